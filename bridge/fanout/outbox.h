/*-------------------------------------------------------------------------
 *
 * outbox.h
 *	  Queues the frames that wait to be sent to one connection.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_OUTBOX_H
#define HERALD_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fanout/frame.h"

/* The ring of an outbox has at least so many slots, a power of two. */
#define OUTBOX_SLOTS 4

struct Outbox;

/* The transport's side of an outbox; all functions must be set. */
typedef struct OutboxOwner
{
	/* Sends as much as the connection takes now, and calls outbox_sent() for it. */
	void (*flush)(struct Outbox *outbox);
	/* Begins to load the memory that flush will use: another outbox is flushed first. */
	void (*fetch)(const struct Outbox *outbox);
	/* Ends the connection, but not before the turn ends: the outbox has dropped everything.  Called once at most. */
	void (*overflow)(struct Outbox *outbox);
} OutboxOwner;

/*
 * A queue of references to frames, part of its connection.  It is bounded by its limit and by the budget of all
 * connections (base/budget.h).  When the budget is spent, the outbox that has kept frames for the longest time
 * overflows: it drops everything, takes nothing more and tells its owner.  It points into itself, so it must not move.
 */
typedef struct Outbox
{
	const OutboxOwner *owner;
	struct Outbox *next_dirty;
	struct Outbox *previous_dirty;
	size_t bytes; /* of the queued frames in memory */
	size_t limit; /* of these bytes */
	uint32_t count;
	uint32_t first;
	uint32_t capacity;			/* of the ring, a power of two */
	bool closed;				/* takes no frame */
	bool dirty;					/* in the ring of outboxes to flush */
	bool waiting;				/* in the list of outboxes that a flush has not emptied */
	Frame **frames;				/* the ring: "slots", or one of its own */
	Frame *slots[OUTBOX_SLOTS]; /* the ring of a short queue, which allocates nothing */
	void *waiter;				/* outbox_on_empty()'s function gets it when the outbox is empty; NULL: nobody waits */
	struct Outbox *next_waiting;
	struct Outbox *previous_waiting;
} Outbox;

/* Must be called once: all dirty outboxes are flushed at the end of each turn. */
extern void outbox_start(void);

/* Makes an empty outbox; "limit" is in bytes. */
extern void outbox_init(Outbox *outbox, const OutboxOwner *owner, size_t limit);

/* Drops the frames and takes none from now on. */
extern void outbox_close(Outbox *outbox);

/*
 * Registers the function to call at the end of a turn, for the waiter of each outbox that has become empty: its frames
 * were sent, or it was closed.
 */
extern void outbox_on_empty(void (*tell)(void *waiter));

/* Waits, once, until an outbox with frames becomes empty; nobody else waits for it. */
extern void outbox_await_empty(Outbox *outbox, void *waiter);

/*
 * Returns whether there is space for a deferrable frame.  If need be, flushes the outboxes first, and lets those
 * overflow whose connections take nothing.  Deferrable frames may use only 7/8 of the limit and of the budget; the
 * rest is for frames that must be pushed now.  An empty outbox has space for a frame larger than its limit.
 */
extern bool outbox_has_space(Outbox *outbox, const Frame *frame);

/* Has the outbox flushed at the end of the turn. */
extern void outbox_wake(Outbox *outbox);

/* Flushes the outbox now if it is dirty. */
extern void outbox_flush(Outbox *outbox);

/* Queues a frame with a reference of its own, for which outbox_has_space() has just returned true. */
extern void outbox_append(Outbox *outbox, Frame *frame);

/*
 * Queues a frame with a reference of its own.  Without space, flushes this outbox first, and when the budget is
 * spent, all of them: only a connection that does not take its frames overflows, not one that gets many at once.
 */
extern void outbox_push(Outbox *outbox, Frame *frame);

/*
 * Queues a frame that may be lost: drops a frame with the same key among the latest, and without space, the
 * frame itself.
 */
extern void outbox_offer(Outbox *outbox, Frame *frame);

/* Queues a frame like outbox_push(), and takes over the caller's reference. */
extern void outbox_push_own(Outbox *outbox, Frame *frame);

/* Queues a ping in front of all frames, without regard to limits; takes over the caller's reference. */
extern void outbox_push_first(Outbox *outbox, Frame *frame);

/* Queues the last frame of the connection, and takes over the caller's reference; later frames are dropped. */
extern void outbox_push_last(Outbox *outbox, Frame *frame);

/*
 * Returns the frame at an index of the queue, 0 being the next to send; it belongs to the queue.  NULL: there
 * is none.
 */
static inline Frame *
outbox_peek(const Outbox *outbox, uint32_t index)
{
	return index < outbox->count ? outbox->frames[(outbox->first + index) & (outbox->capacity - 1)] : NULL;
}

/* Drops the first "count" frames: they are on their way. */
extern void outbox_sent(Outbox *outbox, uint32_t count);

#endif /* HERALD_OUTBOX_H */

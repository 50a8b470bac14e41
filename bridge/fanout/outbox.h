/*-------------------------------------------------------------------------
 *
 * outbox.h
 *	  What waits to be sent to one connection.
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

struct Outbox;

/*
 * How a transport takes what waits.  flush() sends as much as the connection
 * takes now and calls outbox_sent() for it.  overflow() is told once that more
 * waits than the limit allows; it ends the connection, but not before the turn ends.
 */
typedef struct OutboxOwner
{
	void (*flush)(struct Outbox *outbox);
	void (*overflow)(struct Outbox *outbox);
} OutboxOwner;

/*
 * A queue of references to frames, part of its connection.  Bounded by its limit, and
 * by what is left of the budget, for which the one gives way that has not been empty
 * for the longest time.  Over that it drops everything, takes nothing more and says
 * so to its owner.
 */
typedef struct Outbox
{
	const OutboxOwner *owner;
	Frame **frames; /* a ring */
	uint32_t capacity;
	uint32_t first;
	uint32_t count;
	size_t waiting; /* in memory, in bytes */
	size_t limit;
	bool closed;  /* takes nothing */
	bool dirty;	  /* in the list of those to flush */
	bool awaited; /* somebody wants to know when it is empty */
	struct Outbox *next_dirty;
	struct Outbox *previous_dirty;
	struct Outbox *next_waiting; /* in the list of those that are not empty */
	struct Outbox *previous_waiting;
} Outbox;

/* Must be called once: at the end of each turn all dirty outboxes are flushed. */
extern void outbox_start(void);

extern void outbox_init(Outbox *outbox, const OutboxOwner *owner, size_t limit);

/* Drops what waits and takes nothing from now on. */
extern void outbox_close(Outbox *outbox);

/*
 * Has the given function called at the end of a turn in which an outbox that is
 * awaited has become empty, because all was sent or it was closed.
 */
extern void outbox_on_empty(void (*tell)(void));
extern void outbox_await_empty(Outbox *outbox);

/*
 * Is there room for a frame that can be sent later, if need be after what waits has been
 * offered to the connections, and those were cut off that take nothing?  An eighth of
 * all is for what must be pushed now.  A frame that is larger than may wait has the
 * queue for itself.
 */
extern bool outbox_has_room(Outbox *outbox, const Frame *frame);

/* Has what waits offered to the connection at the end of the turn. */
extern void outbox_wake(Outbox *outbox);

/* Offers what waits to the connection now, and not at the end of the turn. */
extern void outbox_flush(Outbox *outbox);

/*
 * Puts a frame into the queue, which holds a reference of its own.  Without room
 * the queue is flushed first, so that only a connection that does not take
 * what it gets overflows, and not one to which much is said at once.  The same
 * goes for all queues when the budget is spent.
 */
extern void outbox_push(Outbox *outbox, Frame *frame);

/* The same for a frame that may be lost: one with its key among the latest is dropped for it; without room, it is. */
extern void outbox_offer(Outbox *outbox, Frame *frame);

/* The same for a frame that nobody else needs: takes over the caller's reference. */
extern void outbox_push_own(Outbox *outbox, Frame *frame);

/* The same in front of what waits, and whatever that is: for a ping, of which there is one. */
extern void outbox_push_first(Outbox *outbox, Frame *frame);

/* The same for the last frame of the connection: what comes after it is dropped. */
extern void outbox_push_last(Outbox *outbox, Frame *frame);

/* The frame that waits at an index of the queue, 0 being the next; NULL behind the last. */
extern Frame *outbox_peek(const Outbox *outbox, uint32_t index);

/* The first "count" frames are on their way. */
extern void outbox_sent(Outbox *outbox, uint32_t count);

#endif /* HERALD_OUTBOX_H */

/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  Queues the frames that wait to be sent to one connection.
 *
 * A sender pushes a reference and is done.  At the end of the loop's turn, each outbox
 * that got a frame is flushed once: all frames of a turn leave in one write.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/budget.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/delivery_time.h"

/*
 * So many connections are flushed in one turn, by turns the one that has waited longest and
 * the newest: a crowd is served, and a connection behind the crowd does not wait for all of it.
 */
#define FLUSHES_PER_TURN 1000

/* A frame with the same key is looked for among so many frames, the latest. */
#define LOOK_BACK 64

_Static_assert((OUTBOX_SLOTS & (OUTBOX_SLOTS - 1)) == 0, "slots of the ring are found by a mask");

/* The head of the ring of dirty outboxes. */
static Outbox dirty = { .next_dirty = &dirty, .previous_dirty = &dirty };

static struct
{
	Outbox *waiting; /* outboxes that a flush has not emptied; the one that waits for the longest time comes first */
	void (*tell_empty)(void *waiter);
	void **emptied; /* the waiters of the outboxes that have become empty in this turn */
	int emptied_count;
	int emptied_capacity;
} outboxes;

/* Returns the slot of an index of the queue.  "first" may wrap around: the capacity divides 2^32. */
static Frame **
slot_at(Outbox *outbox, uint32_t index)
{
	return &outbox->frames[(outbox->first + index) & (outbox->capacity - 1)];
}

/* Lets the ring be "frames", which begins with the first frame. */
static void
set_ring(Outbox *outbox, Frame **frames, uint32_t capacity)
{
	if (outbox->frames != outbox->slots)
	{
		budget_give(sizeof(Frame *) * outbox->capacity);
		free(outbox->frames);
	}
	outbox->frames = frames;
	outbox->capacity = capacity;
	outbox->first = 0;
}

static void
unlink_dirty(Outbox *outbox)
{
	if (!outbox->dirty)
		return;
	outbox->previous_dirty->next_dirty = outbox->next_dirty;
	outbox->next_dirty->previous_dirty = outbox->previous_dirty;
	outbox->dirty = false;
}

void
outbox_wake(Outbox *outbox)
{
	if (outbox->dirty || outbox->count == 0)
		return;
	outbox->next_dirty = &dirty;
	outbox->previous_dirty = dirty.previous_dirty;
	dirty.previous_dirty->next_dirty = outbox;
	dirty.previous_dirty = outbox;
	outbox->dirty = true;
	loop_turn_has_work();
}

/* Lists the outbox as waiting until it is empty. */
static void
await_connection(Outbox *outbox)
{
	if (outbox->waiting)
		return;
	DL_APPEND2(outboxes.waiting, outbox, previous_waiting, next_waiting);
	outbox->waiting = true;
}

void
outbox_flush(Outbox *outbox)
{
	if (!outbox->dirty)
		return;
	unlink_dirty(outbox);
	outbox->owner->flush(outbox);
	if (outbox->count > 0)
		await_connection(outbox);
}

/* A waiter that is told may wait again. */
static void
tell_waiters(void)
{
	while (outboxes.emptied_count > 0)
		outboxes.tell_empty(outboxes.emptied[--outboxes.emptied_count]);
	free(outboxes.emptied);
	outboxes.emptied = NULL;
	outboxes.emptied_capacity = 0;
}

/* Flushes an outbox while the memory of the two that come after it is loaded. */
static void
flush_before(Outbox *outbox, const Outbox *next, const Outbox *after_next)
{
	next->owner->fetch(next);
	memory_fetch(after_next, sizeof(Outbox) + sizeof(void *)); /* with the owner's first field behind it */
	outbox_flush(outbox);
}

static bool
flush_dirty(void)
{
	for (int i = 0; i < FLUSHES_PER_TURN && dirty.next_dirty != &dirty; i++)
	{
		Outbox *newest = dirty.previous_dirty, *oldest = dirty.next_dirty;

		if (i % 2 == 0)
			flush_before(newest, oldest, newest->previous_dirty);
		else
			flush_before(oldest, newest, oldest->next_dirty);
	}
	tell_waiters();
	if (dirty.next_dirty == &dirty)
		delivery_time_end();
	return dirty.next_dirty != &dirty;
}

void
outbox_start(void)
{
	loop_on_turn_end(flush_dirty);
}

void
outbox_init(Outbox *outbox, const OutboxOwner *owner, size_t limit)
{
	assert(owner->flush != NULL && owner->fetch != NULL && owner->overflow != NULL);
	*outbox = (Outbox){ .owner = owner, .frames = outbox->slots, .capacity = OUTBOX_SLOTS, .limit = limit };
}

/* The waiter is told in the end: now a publication may be under way. */
static void
note_emptied(Outbox *outbox)
{
	if (outboxes.emptied_count == outboxes.emptied_capacity)
	{
		outboxes.emptied_capacity = outboxes.emptied_capacity ? outboxes.emptied_capacity * 2 : 16;
		outboxes.emptied = memory_resize(outboxes.emptied, sizeof(void *) * (size_t) outboxes.emptied_capacity);
	}
	outboxes.emptied[outboxes.emptied_count++] = outbox->waiter;
	outbox->waiter = NULL;
	loop_turn_has_work();
}

static void
drop_all(Outbox *outbox)
{
	for (uint32_t i = 0; i < outbox->count; i++)
		frame_unref(outbox_peek(outbox, i));
	if (outbox->waiting)
		DL_DELETE2(outboxes.waiting, outbox, previous_waiting, next_waiting);
	outbox->waiting = false;
	set_ring(outbox, outbox->slots, OUTBOX_SLOTS);
	outbox->count = 0;
	outbox->bytes = 0;
	if (outbox->waiter != NULL)
		note_emptied(outbox);
}

void
outbox_on_empty(void (*tell)(void *waiter))
{
	outboxes.tell_empty = tell;
}

void
outbox_await_empty(Outbox *outbox, void *waiter)
{
	assert(outboxes.tell_empty != NULL && outbox->count > 0 && outbox->waiter == NULL);
	outbox->waiter = waiter;
}

void
outbox_close(Outbox *outbox)
{
	outbox->closed = true;
	unlink_dirty(outbox);
	drop_all(outbox);
}

/* Drops everything and tells the owner, which ends the connection. */
static void
overflow(Outbox *outbox)
{
	metrics.slow_closed++;
	outbox_close(outbox);
	outbox->owner->overflow(outbox);
}

static void
grow(Outbox *outbox)
{
	uint32_t capacity = outbox->capacity * 2;
	Frame **frames = memory_new(sizeof(Frame *) * capacity);

	for (uint32_t i = 0; i < outbox->count; i++)
		frames[i] = outbox_peek(outbox, i);
	budget_take(sizeof(Frame *) * capacity);
	set_ring(outbox, frames, capacity);
}

/* Deferrable frames may use only 7/8 of the limit. */
static bool
within_limit(const Outbox *outbox, const Frame *frame, bool deferrable)
{
	size_t limit = outbox->limit - (deferrable ? outbox->limit / 8 : 0);

	return outbox->count == 0 || outbox->bytes + frame_size(frame) <= limit;
}

static bool
within_budget(const Outbox *outbox, const Frame *frame, bool deferrable)
{
	int64_t left = deferrable ? budget_left_for_later() : budget_left();

	return left >= (outbox->count == 0 ? 0 : (int64_t) (outbox->bytes + frame_size(frame)));
}

static bool
fits(const Outbox *outbox, const Frame *frame, bool deferrable)
{
	return within_limit(outbox, frame, deferrable) && within_budget(outbox, frame, deferrable);
}

/* Returns whether the outbox that has waited longest is another one, with more bytes. */
static bool
gives_way(const Outbox *longest, const Outbox *outbox, const Frame *frame)
{
	return longest != NULL && longest != outbox && longest->bytes >= outbox->bytes + frame_size(frame);
}

/* Flushes this outbox, then the others.  If that is not enough, those that have waited longest overflow. */
static void
make_outbox_room(Outbox *outbox, const Frame *frame, bool deferrable)
{
	outbox_flush(outbox);
	if (!within_limit(outbox, frame, deferrable))
		return;
	while (!within_budget(outbox, frame, deferrable) && dirty.next_dirty != &dirty)
		outbox_flush(dirty.next_dirty);
	while (!within_budget(outbox, frame, deferrable) && gives_way(outboxes.waiting, outbox, frame))
		overflow(outboxes.waiting);
}

/* An empty queue may exceed the limit, and the budget as long as that is not spent. */
static bool
provide_room(Outbox *outbox, const Frame *frame, bool deferrable)
{
	if (fits(outbox, frame, deferrable))
		return true;
	if (!outbox->closed)
		make_outbox_room(outbox, frame, deferrable);
	return fits(outbox, frame, deferrable) || (outbox->count == 0 && budget_left() >= 0);
}

bool
outbox_has_space(Outbox *outbox, const Frame *frame)
{
	return provide_room(outbox, frame, true);
}

/* Makes a slot for a frame in the ring, and counts it as queued. */
static void
add_slot(Outbox *outbox, const Frame *frame)
{
	if (outbox->count == outbox->capacity)
		grow(outbox);
	outbox->count++;
	outbox->bytes += frame_size(frame);
	outbox_wake(outbox);
}

void
outbox_append(Outbox *outbox, Frame *frame)
{
	if (outbox->closed)
		return;
	add_slot(outbox, frame);
	*slot_at(outbox, outbox->count - 1) = frame_ref(frame);
}

void
outbox_push(Outbox *outbox, Frame *frame)
{
	if (provide_room(outbox, frame, false))
		outbox_append(outbox, frame);
	else if (!outbox->closed)
		overflow(outbox);
}

void
outbox_push_first(Outbox *outbox, Frame *frame)
{
	if (!outbox->closed)
	{
		add_slot(outbox, frame);
		outbox->first--;
		*slot_at(outbox, 0) = frame_ref(frame);
	}
	frame_unref(frame);
}

/* Drops the frame at an index of the queue. */
static void
drop_at(Outbox *outbox, uint32_t index)
{
	Frame *frame = outbox_peek(outbox, index);

	outbox->bytes -= frame_size(frame);
	frame_unref(frame);
	for (; index + 1 < outbox->count; index++)
		*slot_at(outbox, index) = outbox_peek(outbox, index + 1);
	if (--outbox->count == 0)
		drop_all(outbox);
}

/* Drops the frame with this key if it is among the latest: a search through a long queue would delay the others. */
static void
drop_key(Outbox *outbox, const char *key)
{
	uint32_t end = outbox->count > LOOK_BACK ? outbox->count - LOOK_BACK : 0;

	for (uint32_t index = outbox->count; index > end; index--)
	{
		Frame *frame = outbox_peek(outbox, index - 1);

		if (frame->key != NULL && strcmp(frame->key, key) == 0)
		{
			drop_at(outbox, index - 1);
			return;
		}
	}
}

void
outbox_offer(Outbox *outbox, Frame *frame)
{
	if (frame->key != NULL)
		drop_key(outbox, frame->key);
	if (outbox_has_space(outbox, frame))
		outbox_append(outbox, frame);
}

void
outbox_push_own(Outbox *outbox, Frame *frame)
{
	outbox_push(outbox, frame);
	frame_unref(frame);
}

void
outbox_push_last(Outbox *outbox, Frame *frame)
{
	outbox_push_own(outbox, frame);
	outbox->closed = true;
}

void
outbox_sent(Outbox *outbox, uint32_t count)
{
	while (count-- > 0 && outbox->count > 0)
	{
		Frame *frame = outbox_peek(outbox, 0);

		outbox->bytes -= frame_size(frame);
		metrics.bytes_sent += frame->length;
		outbox->first++;
		outbox->count--;
		frame_unref(frame);
	}
	if (outbox->count == 0)
		drop_all(outbox); /* an idle connection holds no memory for its queue */
}

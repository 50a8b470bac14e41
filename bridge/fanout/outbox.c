/*-------------------------------------------------------------------------
 *
 * outbox.c
 *	  What waits to be sent to one connection.
 *
 * Whoever has something to say pushes a reference and is done.  At the end of the
 * turn every outbox that got something is flushed once, so that all that was
 * said to a connection in a turn leaves in one write.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/budget.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"

/*
 * So many connections are served in one turn, those that wait the longest and the newest
 * by turns: so a crowd is served, and nobody who comes behind it waits for all of it.
 */
#define FLUSHES_PER_TURN 1000

/* Among so many frames, the latest, one with the same key is looked for. */
#define LOOK_BACK 64

static Outbox dirty = { .next_dirty = &dirty, .previous_dirty = &dirty };
static Outbox *waiters; /* those with something in them, whose queue has not been empty for the longest time first */
static void (*tell_empty)(void);
static bool emptied; /* one that is awaited, in this turn */

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

void
outbox_flush(Outbox *outbox)
{
	if (!outbox->dirty)
		return;
	unlink_dirty(outbox);
	outbox->owner->flush(outbox);
}

static bool
flush_dirty(void)
{
	for (int i = 0; i < FLUSHES_PER_TURN && dirty.next_dirty != &dirty; i++)
		outbox_flush(i % 2 == 0 ? dirty.previous_dirty : dirty.next_dirty);
	if (emptied)
	{
		emptied = false;
		tell_empty();
	}
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
	*outbox = (Outbox){ .owner = owner, .limit = limit };
}

static void
drop_all(Outbox *outbox)
{
	for (uint32_t i = 0; i < outbox->count; i++)
		frame_unref(outbox_peek(outbox, i));
	if (outbox->previous_waiting != NULL)
		DL_DELETE2(waiters, outbox, previous_waiting, next_waiting);
	outbox->previous_waiting = NULL;
	budget_give(sizeof(Frame *) * outbox->capacity);
	free(outbox->frames);
	outbox->frames = NULL;
	outbox->capacity = outbox->first = outbox->count = 0;
	outbox->waiting = 0;
	if (!outbox->awaited)
		return;
	outbox->awaited = false;
	emptied = true;
	loop_turn_has_work();
}

void
outbox_on_empty(void (*tell)(void))
{
	tell_empty = tell;
}

void
outbox_await_empty(Outbox *outbox)
{
	outbox->awaited = true;
}

void
outbox_close(Outbox *outbox)
{
	outbox->closed = true;
	unlink_dirty(outbox);
	drop_all(outbox);
}

/* More waits than may. */
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
	uint32_t capacity = outbox->capacity ? outbox->capacity * 2 : 4;
	Frame **frames = memory_new(sizeof(Frame *) * capacity);

	for (uint32_t i = 0; i < outbox->count; i++)
		frames[i] = outbox_peek(outbox, i);
	budget_take(sizeof(Frame *) * (capacity - outbox->capacity));
	free(outbox->frames);
	outbox->frames = frames;
	outbox->capacity = capacity;
	outbox->first = 0;
}

/* What can be sent later leaves an eighth to what cannot. */
static bool
within_limit(const Outbox *outbox, const Frame *frame, bool later)
{
	size_t limit = outbox->limit - (later ? outbox->limit / 8 : 0);

	return outbox->count == 0 || outbox->waiting + frame_size(frame) <= limit;
}

static bool
within_budget(const Outbox *outbox, const Frame *frame, bool later)
{
	int64_t left = later ? budget_left_for_later() : budget_left();

	return left >= (outbox->count == 0 ? 0 : (int64_t) (outbox->waiting + frame_size(frame)));
}

static bool
fits(const Outbox *outbox, const Frame *frame, bool later)
{
	return within_limit(outbox, frame, later) && within_budget(outbox, frame, later);
}

/* Another one that has more waiting, and has had for longer than anybody. */
static bool
gives_way(const Outbox *longest, const Outbox *outbox, const Frame *frame)
{
	return longest != NULL && longest != outbox && longest->waiting >= outbox->waiting + frame_size(frame);
}

/* What the connections take now need not wait.  If that is not enough, those that take nothing give way. */
static void
make_room(Outbox *outbox, const Frame *frame, bool later)
{
	outbox_flush(outbox);
	if (!within_limit(outbox, frame, later))
		return;
	while (!within_budget(outbox, frame, later) && dirty.next_dirty != &dirty)
		outbox_flush(dirty.next_dirty);
	while (!within_budget(outbox, frame, later) && gives_way(waiters, outbox, frame))
		overflow(waiters);
}

/* Who has nothing waiting gets the last that there is. */
static bool
has_room(Outbox *outbox, const Frame *frame, bool later)
{
	if (!outbox->closed && !fits(outbox, frame, later))
		make_room(outbox, frame, later);
	return fits(outbox, frame, later) || (outbox->count == 0 && budget_left() >= 0);
}

bool
outbox_has_room(Outbox *outbox, const Frame *frame)
{
	return has_room(outbox, frame, true);
}

/* A place for a frame in the ring, which counts already. */
static void
add(Outbox *outbox, const Frame *frame)
{
	if (outbox->count == outbox->capacity)
		grow(outbox);
	if (outbox->count++ == 0)
		DL_APPEND2(waiters, outbox, previous_waiting, next_waiting);
	outbox->waiting += frame_size(frame);
	outbox_wake(outbox);
}

void
outbox_push(Outbox *outbox, Frame *frame)
{
	bool room = has_room(outbox, frame, false);

	if (outbox->closed)
		return;
	if (!room)
	{
		overflow(outbox);
		return;
	}
	add(outbox, frame);
	outbox->frames[(outbox->first + outbox->count - 1) % outbox->capacity] = frame_ref(frame);
}

void
outbox_push_first(Outbox *outbox, Frame *frame)
{
	if (!outbox->closed)
	{
		add(outbox, frame);
		outbox->first = (outbox->first + outbox->capacity - 1) % outbox->capacity;
		outbox->frames[outbox->first] = frame_ref(frame);
	}
	frame_unref(frame);
}

/* Takes the frame at an index out of the queue. */
static void
drop(Outbox *outbox, uint32_t index)
{
	Frame *frame = outbox_peek(outbox, index);

	outbox->waiting -= frame_size(frame);
	frame_unref(frame);
	for (; index + 1 < outbox->count; index++)
		outbox->frames[(outbox->first + index) % outbox->capacity] = outbox_peek(outbox, index + 1);
	if (--outbox->count == 0)
		drop_all(outbox);
}

/* Drops the frame with a key, should it be among the latest: a long queue must not make others wait. */
static void
drop_key(Outbox *outbox, const char *key)
{
	uint32_t end = outbox->count > LOOK_BACK ? outbox->count - LOOK_BACK : 0;

	for (uint32_t index = outbox->count; index > end; index--)
	{
		Frame *frame = outbox_peek(outbox, index - 1);

		if (frame->key != NULL && strcmp(frame->key, key) == 0)
		{
			drop(outbox, index - 1);
			return;
		}
	}
}

void
outbox_offer(Outbox *outbox, Frame *frame)
{
	if (frame->key != NULL)
		drop_key(outbox, frame->key);
	if (outbox_has_room(outbox, frame))
		outbox_push(outbox, frame);
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

Frame *
outbox_peek(const Outbox *outbox, uint32_t index)
{
	return index < outbox->count ? outbox->frames[(outbox->first + index) % outbox->capacity] : NULL;
}

void
outbox_sent(Outbox *outbox, uint32_t count)
{
	while (count-- > 0 && outbox->count > 0)
	{
		Frame *frame = outbox_peek(outbox, 0);

		outbox->waiting -= frame_size(frame);
		metrics.bytes_sent += frame->length;
		outbox->first = (outbox->first + 1) % outbox->capacity;
		outbox->count--;
		frame_unref(frame);
	}
	if (outbox->count == 0)
		drop_all(outbox); /* an idle connection holds no memory for its queue */
}

/*-------------------------------------------------------------------------
 *
 * test_outbox.c
 *	  Frames leave in order, once per turn, and the queue never exceeds its limit.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/budget.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/outbox.h"

/* The bytes that a frame of one letter takes. */
#define LETTER (sizeof(Frame) + 3)

/* Takes "most" frames of each flush and notes their first byte. */
typedef struct Owner
{
	Outbox outbox;
	uint32_t most;
	int flushes;
	int fetches;
	int fetched_before; /* fetches before the latest flush */
	int overflows;
	bool closed_at_overflow;
	char sent[256];
} Owner;

static void
flush(Outbox *outbox)
{
	Owner *owner = (Owner *) outbox;
	uint32_t count = 0;
	Frame *frame;

	owner->flushes++;
	owner->fetched_before = owner->fetches;
	while (count < owner->most && (frame = outbox_peek(outbox, count)) != NULL)
	{
		strncat(owner->sent, (char *) frame->bytes + 2, 1);
		count++;
	}
	outbox_sent(outbox, count);
}

static void
fetch(const Outbox *outbox)
{
	((Owner *) outbox)->fetches++;
}

static void
overflow(Outbox *outbox)
{
	Owner *owner = (Owner *) outbox;

	owner->overflows++;
	owner->closed_at_overflow = outbox->closed && outbox->count == 0 && outbox->bytes == 0;
}

static const OutboxOwner owner_of_tests = { flush, fetch, overflow };

static void
init(Owner *owner, size_t limit)
{
	memset(owner, 0, sizeof(*owner));
	owner->most = UINT32_MAX;
	outbox_init(&owner->outbox, &owner_of_tests, limit);
}

static void
push(Owner *owner, char letter)
{
	outbox_push_own(&owner->outbox, frame_new(FRAME_TEXT, &letter, 1));
}

static void
turn(void)
{
	uv_run(loop_uv(), UV_RUN_NOWAIT);
}

static void
flushes_in_order_once_per_turn(void **state)
{
	Owner a;
	Owner b;

	(void) state;
	init(&a, 100000);
	init(&b, 100000);
	for (char c = 'a'; c <= 'z'; c++)
	{
		push(&a, c);
		if (c % 2)
			push(&b, c);
	}
	assert_int_equal(a.flushes, 0); /* not before the turn ends */
	turn();
	assert_int_equal(a.flushes, 1);
	assert_int_equal(b.flushes, 1);
	assert_string_equal(a.sent, "abcdefghijklmnopqrstuvwxyz");
	assert_string_equal(b.sent, "acegikmoqsuwy");
	turn();
	assert_int_equal(a.flushes, 1);					   /* nothing new, nothing to flush */
	assert_ptr_equal(a.outbox.frames, a.outbox.slots); /* idle: no memory */
}

/* All but the first outbox of a turn. */
static void
has_the_memory_of_an_outbox_loaded_before_its_flush(void **state)
{
	Owner owners[5];

	(void) state;
	for (int i = 0; i < 5; i++)
	{
		init(&owners[i], 100000);
		push(&owners[i], 'a');
	}
	turn();
	for (int i = 0; i < 5; i++)
	{
		assert_int_equal(owners[i].flushes, 1);
		assert_int_equal(owners[i].fetched_before > 0, i < 4); /* the newest comes first */
	}
}

static void
peeks_at_frames_and_drops_sent_ones(void **state)
{
	Owner a;
	int64_t before = metrics.bytes_sent;

	(void) state;
	init(&a, 100000);
	for (char c = 'a'; c <= 'f'; c++)
		push(&a, c);
	assert_int_equal(a.outbox.count, 6);
	assert_int_equal(a.outbox.bytes, 6 * LETTER);
	assert_int_equal(outbox_peek(&a.outbox, 0)->bytes[2], 'a');
	assert_int_equal(outbox_peek(&a.outbox, 5)->bytes[2], 'f');
	assert_null(outbox_peek(&a.outbox, 6));
	outbox_sent(&a.outbox, 2);
	assert_int_equal(outbox_peek(&a.outbox, 0)->bytes[2], 'c');
	assert_int_equal(a.outbox.bytes, 4 * LETTER);
	assert_int_equal(metrics.bytes_sent - before, 6);
	outbox_sent(&a.outbox, 99); /* no more than there are */
	assert_int_equal(a.outbox.count, 0);
	assert_int_equal(a.outbox.bytes, 0);
	assert_int_equal(metrics.bytes_sent - before, 18);
	outbox_close(&a.outbox);
}

static void
allocates_a_ring_for_a_long_queue_only(void **state)
{
	Owner a;
	int64_t before = metrics.waiting_bytes;
	Frame *frame = frame_new(FRAME_TEXT, "a", 1);

	(void) state;
	init(&a, 100000);
	for (int i = 0; i < OUTBOX_SLOTS; i++)
		outbox_push(&a.outbox, frame);
	assert_int_equal(metrics.waiting_bytes - before, LETTER); /* of the frame alone */
	outbox_push_own(&a.outbox, frame);
	assert_int_equal(metrics.waiting_bytes - before, LETTER + 2 * OUTBOX_SLOTS * sizeof(Frame *));
	turn();
	assert_string_equal(a.sent, "aaaaa");
	assert_int_equal(metrics.waiting_bytes, before);
	assert_ptr_equal(a.outbox.frames, a.outbox.slots);
}

/* The ring wraps around and grows while it is wrapped. */
static void
keeps_the_order_when_the_ring_wraps_and_grows(void **state)
{
	Owner a;
	char next_in = 0;
	char next_out = 0;

	(void) state;
	init(&a, 100000);
	for (int round = 0; round < 60; round++)
	{
		for (int i = 0; i < round % 7 + 1; i++)
			push(&a, next_in++);
		for (int i = 0; i < round % 5 + 1 && a.outbox.count > 0; i++)
		{
			assert_int_equal((char) outbox_peek(&a.outbox, 0)->bytes[2], next_out);
			next_out++;
			outbox_sent(&a.outbox, 1);
		}
	}
	assert_true(a.outbox.count > 8);
	for (uint32_t i = 0; i < a.outbox.count; i++)
		assert_int_equal((char) outbox_peek(&a.outbox, i)->bytes[2], (char) (next_out + (char) i));
	outbox_close(&a.outbox);
	turn();
	assert_int_equal(a.flushes, 0); /* closed: out of the list */
}

static void
overflows_once_and_drops_everything(void **state)
{
	Owner a;
	int64_t before = metrics.slow_closed;

	(void) state;
	init(&a, 3 * LETTER);
	a.most = 0; /* a connection that takes nothing */
	push(&a, 'a');
	push(&a, 'b');
	push(&a, 'c'); /* as much as may */
	assert_int_equal(a.overflows, 0);
	assert_int_equal(a.outbox.count, 3);
	push(&a, 'd');
	assert_int_equal(a.overflows, 1);
	assert_true(a.closed_at_overflow);
	assert_int_equal(metrics.slow_closed - before, 1);
	push(&a, 'e');
	assert_int_equal(a.overflows, 1);
	assert_int_equal(metrics.slow_closed - before, 1);
	assert_int_equal(a.outbox.count, 0);
	a.flushes = 0;
	turn();
	assert_int_equal(a.flushes, 0);
}

/* Many frames at once do not overflow the queue, as long as the connection takes them. */
static void
takes_more_than_its_limit_from_a_client_that_reads(void **state)
{
	Owner a;
	Frame *frame = frame_new(FRAME_TEXT, "x", 1);

	(void) state;
	init(&a, 3 * LETTER);
	for (char c = 'a'; c <= 'c'; c++)
		push(&a, c);
	assert_int_equal(a.flushes, 0);
	assert_true(outbox_has_space(&a.outbox, frame)); /* by a flush before the turn ends */
	assert_int_equal(a.flushes, 1);
	for (char c = 'd'; c <= 'z'; c++)
		push(&a, c);
	assert_int_equal(a.overflows, 0);
	assert_true(outbox_has_space(&a.outbox, frame) || a.outbox.count == 3);
	turn();
	assert_string_equal(a.sent, "abcdefghijklmnopqrstuvwxyz");
	assert_true(outbox_has_space(&a.outbox, frame));
	frame_unref(frame);
}

static void
sends_a_frame_larger_than_its_limit_from_an_empty_queue(void **state)
{
	Owner a;
	char text[100] = { 'x' };

	(void) state;
	init(&a, LETTER);
	outbox_push_own(&a.outbox, frame_new(FRAME_TEXT, text, sizeof(text)));
	assert_int_equal(a.overflows, 0);
	assert_int_equal(a.outbox.count, 1);
	turn();
	assert_string_equal(a.sent, "x");
}

static void
takes_no_frames_once_closed(void **state)
{
	Owner a;
	Frame *frame = frame_new(FRAME_TEXT, "z", 1);

	(void) state;
	init(&a, 100000);
	outbox_push(&a.outbox, frame);
	assert_int_equal(frame->references, 2);
	outbox_close(&a.outbox);
	assert_int_equal(frame->references, 1); /* dropped */
	outbox_push(&a.outbox, frame);
	assert_int_equal(frame->references, 1);
	assert_int_equal(a.outbox.count, 0);
	turn();
	assert_int_equal(a.flushes, 0);
	assert_int_equal(a.overflows, 0);
	frame_unref(frame);
}

static void
drops_frames_behind_the_last_one(void **state)
{
	Owner a;

	(void) state;
	init(&a, 100000);
	push(&a, 'a');
	outbox_push_last(&a.outbox, frame_new(FRAME_CLOSE, "b", 1));
	push(&a, 'c');
	turn();
	assert_string_equal(a.sent, "ab");
}

static void
serves_a_newcomer_before_the_whole_crowd(void **state)
{
	enum
	{
		CROWD = 2500
	};
	Owner *crowd = memory_new(sizeof(Owner) * CROWD);
	Owner a;

	(void) state;
	for (int i = 0; i < CROWD; i++)
	{
		init(&crowd[i], 100000);
		push(&crowd[i], 'a');
	}
	init(&a, 100000);
	push(&a, 'b');
	turn();
	assert_string_equal(a.sent, "b");
	assert_true(crowd[0].flushes == 1 && crowd[CROWD / 2].flushes == 0 && crowd[CROWD - 1].flushes == 1);
	while (crowd[CROWD / 2].flushes == 0)
		turn();
	turn();
	free(crowd);
}

/* After a partial flush, the transport flushes again when the connection takes more. */
static void
does_not_flush_again_after_a_partial_flush(void **state)
{
	Owner a;

	(void) state;
	init(&a, 100000);
	a.most = 1;
	push(&a, 'a');
	push(&a, 'b');
	turn();
	turn();
	assert_string_equal(a.sent, "a");
	push(&a, 'c');
	turn();
	assert_string_equal(a.sent, "ab");
	outbox_close(&a.outbox);
}

static int told;

static void
note_empty(void *waiter)
{
	told += *(int *) waiter;
}

/* The waiter is told at the end of the turn in which all frames of its outbox were sent or dropped. */
static void
tells_each_waiter_once_when_its_outbox_is_empty(void **state)
{
	Owner a;
	Owner b;
	int one = 1;
	int ten = 10;

	(void) state;
	outbox_on_empty(note_empty);
	init(&a, 100000);
	init(&b, 100000);
	a.most = 1;
	push(&a, 'a');
	push(&a, 'b');
	push(&b, 'c');
	outbox_await_empty(&a.outbox, &one);
	turn();
	assert_int_equal(told, 0); /* one still has a frame, the other is not awaited */
	outbox_sent(&a.outbox, 1);
	assert_int_equal(told, 0);
	turn();
	assert_int_equal(told, 1);
	push(&a, 'd');
	turn();
	assert_int_equal(told, 1);

	push(&a, 'e');
	push(&b, 'f');
	outbox_await_empty(&a.outbox, &one);
	outbox_await_empty(&b.outbox, &ten);
	outbox_close(&a.outbox);
	turn();
	assert_int_equal(told, 12);
}

/* In front of all frames, wherever the ring begins, and beyond the limit. */
static void
puts_a_ping_in_front_of_the_queue(void **state)
{
	Owner a;

	(void) state;
	init(&a, 4 * LETTER);
	a.most = 0;
	for (char c = 'a'; c <= 'c'; c++)
		push(&a, c);
	outbox_push_first(&a.outbox, frame_new(FRAME_TEXT, "1", 1));
	outbox_push_first(&a.outbox, frame_new(FRAME_TEXT, "2", 1));
	assert_int_equal(a.outbox.bytes, 5 * LETTER);
	a.most = UINT32_MAX;
	turn();
	assert_string_equal(a.sent, "21abc");
	outbox_push_first(&a.outbox, frame_new(FRAME_TEXT, "3", 1));
	turn();
	assert_string_equal(a.sent, "21abc3");
	outbox_close(&a.outbox);
	outbox_push_first(&a.outbox, frame_new(FRAME_TEXT, "4", 1));
	assert_int_equal(a.outbox.count, 0);
}

/* A frame with a key that may be lost. */
static void
offer(Owner *owner, const char *key, char letter)
{
	Frame *frame = frame_new(FRAME_TEXT, &letter, 1);

	frame->key = memory_copy(key);
	outbox_offer(&owner->outbox, frame);
	frame_unref(frame);
}

/* The queued frame is dropped, and the new one goes behind the frames that came meanwhile. */
static void
replaces_a_queued_frame_with_the_same_key(void **state)
{
	Owner a;

	(void) state;
	init(&a, 100000);
	for (char c = 'a'; c <= 'e'; c++)
	{
		push(&a, c);
		offer(&a, c % 2 ? "odd" : "even", c - 'a' + 'A');
		offer(&a, NULL, c - 'a' + '0');
	}
	assert_int_equal(a.outbox.count, 12);
	assert_int_equal(a.outbox.bytes, 12 * LETTER);
	turn();
	assert_string_equal(a.sent, "a0b1c2dD3eE4");
	offer(&a, "odd", 'Z'); /* frames that were sent are not dropped */
	turn();
	assert_string_equal(a.sent, "a0b1c2dD3eE4Z");
	assert_ptr_equal(a.outbox.frames, a.outbox.slots);
}

/* Wherever the ring begins, and each frame of it. */
static void
replaces_frames_anywhere_in_the_ring(void **state)
{
	(void) state;
	for (int first = 0; first < 9; first++)
	{
		Owner a;

		init(&a, 100000);
		for (int i = 0; i < 4; i++)
			push(&a, '-');
		for (int i = 0; i < first; i++)
		{
			push(&a, '-');
			outbox_sent(&a.outbox, 1);
		}
		offer(&a, "k", '1');
		push(&a, 'a');
		offer(&a, "k", '2');
		push(&a, 'b');
		offer(&a, "l", '3');
		offer(&a, "k", '4');
		turn();
		assert_string_equal(a.sent, "----ab34");
	}
}

/* A search through a long queue would delay the other connections. */
static void
looks_for_a_key_among_the_latest_frames_only(void **state)
{
	Owner a;

	(void) state;
	init(&a, 100000);
	for (int rest = 63; rest <= 64; rest++)
	{
		offer(&a, "k", '1');
		for (int i = 0; i < rest; i++)
			push(&a, '-');
		offer(&a, "k", '2');
		assert_int_equal(a.outbox.count, rest == 63 ? 64 : 66);
		turn();
	}
}

/* The connection goes on.  A frame that replaces another has that one's room. */
static void
drops_an_offered_frame_without_room(void **state)
{
	Owner a;

	(void) state;
	init(&a, 4 * LETTER);
	a.most = 0; /* a connection that takes nothing */
	push(&a, 'a');
	push(&a, 'b');
	offer(&a, "k", '1');
	offer(&a, "l", '2');
	offer(&a, NULL, '3');
	offer(&a, "k", '4');
	assert_int_equal(a.overflows, 0);
	assert_int_equal(a.outbox.bytes, 3 * LETTER);
	a.most = UINT32_MAX;
	push(&a, 'c');
	turn();
	assert_string_equal(a.sent, "ab4c");
	outbox_close(&a.outbox);
	offer(&a, NULL, '5');
	assert_int_equal(a.outbox.count, 0);
}

/* The turns follow each other without any other event on the loop. */
static void
serves_a_crowd_over_several_turns(void **state)
{
	enum
	{
		CROWD = 2500
	};
	Owner *crowd = memory_new(sizeof(Owner) * CROWD);
	int served[4] = { 0 };

	(void) state;
	for (int i = 0; i < CROWD; i++)
	{
		init(&crowd[i], 100000);
		push(&crowd[i], 'a');
	}
	for (int t = 0; t < 4; t++)
	{
		turn();
		for (int i = 0; i < CROWD; i++)
			served[t] += crowd[i].flushes;
	}
	assert_true(served[0] < CROWD);
	assert_true(served[0] < served[1]);
	assert_int_equal(served[3], CROWD);
	free(crowd);
}

static Config config = { .total_queue_limit = LONG_MAX };

/* Sets the bytes that are left of the budget. */
static void
allow(int64_t more)
{
	config.total_queue_limit = metrics.waiting_bytes + more;
}

/* No outbox has more than the bytes that are left for all. */
static void
bounds_all_outboxes_by_the_budget(void **state)
{
	Owner a;
	Owner b;

	(void) state;
	init(&a, 1000 * LETTER);
	init(&b, 1000 * LETTER);
	a.most = b.most = 0;
	allow(100 * LETTER);
	while (!a.outbox.closed)
	{
		push(&a, 'a');
		assert_true(a.outbox.count < 60);
	}
	assert_int_equal(a.overflows, 1);
	assert_int_equal(budget_left(), 100 * LETTER); /* all of it is back */
	for (int i = 0; i < 20; i++)
	{
		push(&b, 'b');
		outbox_push_own(&b.outbox, frame_new(FRAME_TEXT, "b", 1));
	}
	assert_int_equal(b.overflows, 0);
	outbox_close(&b.outbox);
	config.total_queue_limit = LONG_MAX;
}

static void
flushes_all_outboxes_before_one_overflows(void **state)
{
	Owner a;
	Owner b;
	int64_t before = metrics.waiting_bytes;

	(void) state;
	init(&a, 1000 * LETTER);
	init(&b, 1000 * LETTER);
	for (int i = 0; i < 100; i++)
		push(&a, 'a');
	allow(0);
	push(&b, 'b');
	assert_int_equal(a.outbox.count, 0);
	assert_int_equal(a.overflows + b.overflows, 0);
	turn();
	assert_string_equal(b.sent, "b");
	assert_int_equal(metrics.waiting_bytes, before);
	config.total_queue_limit = LONG_MAX;
}

static void
reserves_an_eighth_for_frames_that_cannot_wait(void **state)
{
	Owner a;
	Frame *frame = frame_new(FRAME_TEXT, "x", 1);

	(void) state;
	init(&a, 16 * LETTER);
	a.most = 0;
	while (outbox_has_space(&a.outbox, frame))
		outbox_push(&a.outbox, frame);
	assert_int_equal(a.outbox.count, 14);
	outbox_push(&a.outbox, frame);
	outbox_push(&a.outbox, frame);
	assert_int_equal(a.outbox.count, 16);
	outbox_close(&a.outbox);

	allow(160 * LETTER);
	init(&a, 1000 * LETTER);
	a.most = 0;
	budget_take(120 * LETTER);
	while (outbox_has_space(&a.outbox, frame))
		push(&a, 'x');
	assert_in_range(a.outbox.count, 8, 10); /* half of the rest of seven eighths */
	while (a.overflows == 0)
	{
		assert_in_range(a.outbox.count, 0, 20);
		push(&a, 'x');
	}
	budget_give(120 * LETTER);
	config.total_queue_limit = LONG_MAX;
	frame_unref(frame);
}

static void
push_many(Owner *owner, int count)
{
	while (count-- > 0)
		push(owner, 'm');
}

static void
take_all(Owner *owner)
{
	owner->most = UINT32_MAX;
	outbox_flush(&owner->outbox);
	owner->most = 0;
}

/* An outbox gives way only to one with fewer bytes. */
static void
lets_the_outbox_overflow_that_has_waited_longest(void **state)
{
	Owner owners[4];
	Owner *a = &owners[0];
	Owner *b = &owners[1];
	Owner *c = &owners[2];
	Owner *d = &owners[3];

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		init(&owners[i], 1000 * LETTER);
		owners[i].most = 0;
		push_many(&owners[i], 10);
	}
	take_all(a);
	push_many(a, 10); /* has been empty meanwhile */
	take_all(d);
	allow(-1);
	push(d, 'd');
	assert_int_equal(b->overflows, 1);
	assert_int_equal(a->overflows + c->overflows + d->overflows, 0);
	push_many(d, 9);
	assert_int_equal(c->overflows, 1);
	assert_int_equal(a->overflows + d->overflows, 0);
	allow(0);
	push(d, 'd'); /* has more bytes than the others */
	assert_int_equal(a->overflows, 0);
	assert_int_equal(d->overflows, 1);
	config.total_queue_limit = LONG_MAX;
	outbox_close(&a->outbox);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flushes_in_order_once_per_turn),
		cmocka_unit_test(has_the_memory_of_an_outbox_loaded_before_its_flush),
		cmocka_unit_test(peeks_at_frames_and_drops_sent_ones),
		cmocka_unit_test(allocates_a_ring_for_a_long_queue_only),
		cmocka_unit_test(keeps_the_order_when_the_ring_wraps_and_grows),
		cmocka_unit_test(overflows_once_and_drops_everything),
		cmocka_unit_test(takes_more_than_its_limit_from_a_client_that_reads),
		cmocka_unit_test(sends_a_frame_larger_than_its_limit_from_an_empty_queue),
		cmocka_unit_test(takes_no_frames_once_closed),
		cmocka_unit_test(drops_frames_behind_the_last_one),
		cmocka_unit_test(does_not_flush_again_after_a_partial_flush),
		cmocka_unit_test(tells_each_waiter_once_when_its_outbox_is_empty),
		cmocka_unit_test(puts_a_ping_in_front_of_the_queue),
		cmocka_unit_test(replaces_a_queued_frame_with_the_same_key),
		cmocka_unit_test(replaces_frames_anywhere_in_the_ring),
		cmocka_unit_test(looks_for_a_key_among_the_latest_frames_only),
		cmocka_unit_test(drops_an_offered_frame_without_room),
		cmocka_unit_test(serves_a_crowd_over_several_turns),
		cmocka_unit_test(serves_a_newcomer_before_the_whole_crowd),
		cmocka_unit_test(bounds_all_outboxes_by_the_budget),
		cmocka_unit_test(flushes_all_outboxes_before_one_overflows),
		cmocka_unit_test(reserves_an_eighth_for_frames_that_cannot_wait),
		cmocka_unit_test(lets_the_outbox_overflow_that_has_waited_longest),
	};

	budget_start(&config);
	outbox_start();
	return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}

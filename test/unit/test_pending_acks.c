/*-------------------------------------------------------------------------
 *
 * test_pending_acks.c
 *	  An acknowledgement is taken once, and only while it is expected.  The test sets the clock.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "fanout/pending_acks.h"

static uint64_t clock_ms = 1000;

uint64_t
loop_now(void)
{
	return clock_ms;
}

static void
note(PendingAcks **acks, int64_t number)
{
	Event *event = event_new();

	event->number = number;
	event->ack = memory_copy("a");
	pending_acks_add(acks, event);
	event_unref(event);
}

/* Returns the number of the event that is taken; 0: none. */
static int64_t
take(PendingAcks *acks, uint32_t id)
{
	Event *event = pending_acks_take(acks, id);
	int64_t number = event ? event->number : 0;

	if (event != NULL)
		event_unref(event);
	return number;
}

static void
takes_each_ack_once_in_any_order(void **state)
{
	PendingAcks *acks = NULL;

	(void) state;
	assert_int_equal(take(acks, 1), 0);
	for (int64_t number = 1; number <= 9; number++)
		note(&acks, number);
	assert_int_equal(take(acks, 5), 5);
	assert_int_equal(take(acks, 5), 0);
	assert_int_equal(take(acks, 9), 9);
	assert_int_equal(take(acks, 1), 1);
	assert_int_equal(take(acks, 10), 0);
	assert_int_equal(take(acks, 6), 6);
	pending_acks_free(&acks);
	assert_null(acks);
	pending_acks_free(&acks);
}

/* Clients have 31 bits for an id. */
static void
matches_large_event_numbers_by_31_bits(void **state)
{
	PendingAcks *acks = NULL;

	(void) state;
	note(&acks, (INT64_C(7) << 31) + 3);
	assert_int_equal(take(acks, 3), (INT64_C(7) << 31) + 3);
	pending_acks_free(&acks);
}

static void
keeps_the_newest_events(void **state)
{
	PendingAcks *acks = NULL;

	(void) state;
	for (int64_t number = 1; number <= PENDING_ACKS_MAX + 2; number++)
		note(&acks, number);
	assert_int_equal(take(acks, 2), 0);
	for (int64_t number = 3; number <= PENDING_ACKS_MAX + 2; number++)
		assert_int_equal(take(acks, (uint32_t) number), number);
	pending_acks_free(&acks);
}

static void
forgets_events_after_their_lifetime(void **state)
{
	PendingAcks *acks = NULL;

	(void) state;
	note(&acks, 1);
	clock_ms += PENDING_ACKS_LIFETIME_MS - 1;
	note(&acks, 2);
	assert_int_equal(take(acks, 1), 1);
	note(&acks, 3);
	clock_ms += PENDING_ACKS_LIFETIME_MS;
	assert_int_equal(take(acks, 2), 0);
	assert_int_equal(take(acks, 3), 0);
	pending_acks_free(&acks);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_each_ack_once_in_any_order),
		cmocka_unit_test(matches_large_event_numbers_by_31_bits),
		cmocka_unit_test(keeps_the_newest_events),
		cmocka_unit_test(forgets_events_after_their_lifetime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

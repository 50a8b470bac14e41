/*-------------------------------------------------------------------------
 *
 * test_pending_acks.c
 *	  An event is acknowledged once, by its id, as long as it is kept.  The clock is ours.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fanout/pending_acks.h"

static uint64_t clock_ms = 1000;

uint64_t
loop_now(void)
{
	return clock_ms;
}

static void
note(PendingAcks **asked, int64_t number)
{
	Event *event = event_new();

	event->number = number;
	pending_acks_add(asked, event);
	event_unref(event);
}

/* The number of the event that is taken; 0: none. */
static int64_t
take(PendingAcks *asked, uint32_t id)
{
	Event *event = pending_acks_take(asked, id);
	int64_t number = event ? event->number : 0;

	if (event != NULL)
		event_unref(event);
	return number;
}

static void
test_once_in_any_order(void **state)
{
	PendingAcks *asked = NULL;

	(void) state;
	assert_int_equal(take(asked, 1), 0);
	for (int64_t number = 1; number <= 9; number++)
		note(&asked, number);
	assert_int_equal(take(asked, 5), 5);
	assert_int_equal(take(asked, 5), 0);
	assert_int_equal(take(asked, 9), 9);
	assert_int_equal(take(asked, 1), 1);
	assert_int_equal(take(asked, 10), 0);
	assert_int_equal(take(asked, 6), 6);
	pending_acks_free(&asked);
	assert_null(asked);
	pending_acks_free(&asked);
}

/* Clients have 31 bits for an id. */
static void
test_large_numbers(void **state)
{
	PendingAcks *asked = NULL;

	(void) state;
	note(&asked, (INT64_C(7) << 31) + 3);
	assert_int_equal(take(asked, 3), (INT64_C(7) << 31) + 3);
	pending_acks_free(&asked);
}

static void
test_the_newest_are_kept(void **state)
{
	PendingAcks *asked = NULL;

	(void) state;
	for (int64_t number = 1; number <= PENDING_ACKS_MAX + 2; number++)
		note(&asked, number);
	assert_int_equal(take(asked, 2), 0);
	for (int64_t number = 3; number <= PENDING_ACKS_MAX + 2; number++)
		assert_int_equal(take(asked, (uint32_t) number), number);
	pending_acks_free(&asked);
}

static void
test_late_is_too_late(void **state)
{
	PendingAcks *asked = NULL;

	(void) state;
	note(&asked, 1);
	clock_ms += PENDING_ACKS_LIFETIME_MS - 1;
	note(&asked, 2);
	assert_int_equal(take(asked, 1), 1);
	note(&asked, 3);
	clock_ms += PENDING_ACKS_LIFETIME_MS;
	assert_int_equal(take(asked, 2), 0);
	assert_int_equal(take(asked, 3), 0);
	pending_acks_free(&asked);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_in_any_order),
		cmocka_unit_test(test_large_numbers),
		cmocka_unit_test(test_the_newest_are_kept),
		cmocka_unit_test(test_late_is_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

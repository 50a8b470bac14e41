/*-------------------------------------------------------------------------
 *
 * test_user_work.c
 *	  Users whose actions make much work rest (fanout/user_work.c), on a clock of this test.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#include <cmocka.h>

#include "base/memory.h"
#include "fanout/user_work.h"

static uint64_t clock_ms = 1000000;

uint64_t
uv_now(const uv_loop_t *loop)
{
	(void) loop;
	return clock_ms;
}

/* A user may make work of 10 at once, and 100 a second. */
static int
configure(void **state)
{
	static Config config = { .user_work = "100/s:10" };

	(void) state;
	user_work_configure(&config);
	return 0;
}

static void
publish(uint64_t xid, const char *except, uint64_t deliveries)
{
	Event *event = event_new();

	event->xid = xid;
	event->except = memory_copy(except);
	user_work_published(event, deliveries);
	event_unref(event);
}

static void
time_in_the_database_counts(void **state)
{
	(void) state;
	user_work_took("slow", 5);
	assert_int_equal(user_work_rest("slow"), 0);
	user_work_took("slow", 15);
	assert_in_range(user_work_rest("slow"), 100, 130);
	assert_int_equal(user_work_rest("other"), 0);
	clock_ms += 130;
	assert_int_equal(user_work_rest("slow"), 0);
}

static void
a_long_action_makes_nobody_rest_for_long(void **state)
{
	(void) state;
	user_work_took("waiting", 60000);
	assert_in_range(user_work_rest("waiting"), 900, 920);
}

static void
rooms_count_when_a_session_arrives(void **state)
{
	(void) state;
	user_work_arrived("visitor", 40);
	assert_int_equal(user_work_rest("visitor"), 0);
	user_work_arrived("visitor", 100);
	assert_in_range(user_work_rest("visitor"), 180, 200);
}

static void
events_count_for_the_user_of_their_transaction(void **state)
{
	(void) state;
	user_work_began("early", "700");
	publish(700, NULL, 1000);
	publish(701, NULL, 1000);
	assert_in_range(user_work_rest("early"), 100, 130);
	assert_int_equal(user_work_rest("late"), 0);
	user_work_began("late", "701");
	assert_in_range(user_work_rest("late"), 100, 130);
	assert_in_range(user_work_rest("early"), 100, 130);
}

static void
signals_count_for_the_user_who_does_not_get_them(void **state)
{
	(void) state;
	publish(0, "typist", 1000);
	assert_in_range(user_work_rest("typist"), 100, 130);
}

static void
nobody_rests_for_longer_than_some_seconds(void **state)
{
	(void) state;
	user_work_began("loud", "800");
	publish(800, NULL, 1000000);
	publish(800, NULL, 1000000);
	assert_in_range(user_work_rest("loud"), 5000, 5001);
	clock_ms += 5001;
	assert_int_equal(user_work_rest("loud"), 0);
}

static void
transactions_without_an_action_count_for_nobody(void **state)
{
	(void) state;
	user_work_began("reader", "");
	user_work_began("reader", NULL);
	publish(0, NULL, 1000000);
	assert_int_equal(user_work_rest("reader"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_in_the_database_counts),
		cmocka_unit_test(a_long_action_makes_nobody_rest_for_long),
		cmocka_unit_test(rooms_count_when_a_session_arrives),
		cmocka_unit_test(events_count_for_the_user_of_their_transaction),
		cmocka_unit_test(signals_count_for_the_user_who_does_not_get_them),
		cmocka_unit_test(nobody_rests_for_longer_than_some_seconds),
		cmocka_unit_test(transactions_without_an_action_count_for_nobody),
	};

	return cmocka_run_group_tests(tests, configure, NULL);
}

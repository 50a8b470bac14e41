/*-------------------------------------------------------------------------
 *
 * test_timer.c
 *	  Timers fire in order and to the millisecond, on a clock of this test.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdbool.h>
#include <uv.h>

#include "base/timer.h"

/* A replacement of libuv's timers, with a clock that only pass() moves. */
static uint64_t clock_ms = 1000003;
static bool ticking = false;
static uint64_t alarm_ms;
static uv_timer_cb tick;
static uv_timer_t *ticker;
static int wakes;

uint64_t
uv_now(const uv_loop_t *loop)
{
	(void) loop;
	return clock_ms;
}

int
uv_timer_start(uv_timer_t *handle, uv_timer_cb callback, uint64_t timeout, uint64_t repeat)
{
	assert_int_equal(repeat, 0);
	ticker = handle;
	tick = callback;
	alarm_ms = clock_ms + timeout;
	ticking = true;
	return 0;
}

static void
pass(uint64_t milliseconds)
{
	for (uint64_t end = clock_ms + milliseconds; clock_ms < end;)
	{
		clock_ms++;
		if (ticking && clock_ms >= alarm_ms)
		{
			ticking = false;
			wakes++;
			tick(ticker);
		}
	}
}

#define MOST 5000

typedef struct Test
{
	Timer timer;
	Timer *stops;	  /* stopped when it fires */
	uint64_t restart; /* delay of a restart when it fires */
	int restarts;	  /* left */
	uint64_t fired_at;
	int fired;
	int rank; /* in the order of firing */
} Test;

static Test all[MOST];
static int fired_count;

static void
fire(void *context)
{
	Test *test = context;

	assert_false(timer_is_running(&test->timer));
	test->fired++;
	test->fired_at = clock_ms;
	test->rank = fired_count++;
	if (test->stops != NULL)
		timer_stop(test->stops);
	if (test->restarts-- > 0)
		timer_start(&test->timer, test->restart, fire, test);
}

static int
begin(void **state)
{
	(void) state;
	memset(all, 0, sizeof(all));
	fired_count = 0;
	return 0;
}

static int
end(void **state)
{
	(void) state;
	for (int i = 0; i < MOST; i++)
		timer_stop(&all[i].timer);
	pass(120000);
	assert_false(ticking); /* without timers the process sleeps */
	return 0;
}

static void
start(int i, uint64_t milliseconds)
{
	timer_start(&all[i].timer, milliseconds, fire, &all[i]);
}

static void
check_time(const Test *test, uint64_t due)
{
	assert_int_equal(test->fired, 1);
	assert_int_equal(test->fired_at, due);
}

static void
test_fires_in_order(void **state)
{
	static const uint64_t times[] = { 500, 100, 1000, 0, 300, 100, 9, 51 };
	static const int ranks[] = { 6, 3, 7, 0, 5, 4, 1, 2 };
	uint64_t from = clock_ms;

	(void) state;
	for (int i = 0; i < 8; i++)
		start(i, times[i]);
	assert_true(ticking);
	assert_int_equal(fired_count, 0);
	pass(1200);
	for (int i = 0; i < 8; i++)
	{
		check_time(&all[i], times[i] ? from + times[i] : from + 1);
		assert_int_equal(all[i].rank, ranks[i]);
	}
	assert_false(ticking);
}

/* One wake-up for each timer, and one for the block of a later one. */
static void
test_sleeps_between_timers(void **state)
{
	(void) state;
	wakes = 0;
	start(0, 5000);
	start(1, 100);
	pass(5100);
	assert_int_equal(fired_count, 2);
	assert_int_equal(wakes, 3);
	start(2, 60000);
	pass(60100);
	assert_int_equal(fired_count, 3);
	assert_int_equal(wakes, 5);
}

static void
test_stops_a_timer(void **state)
{
	(void) state;
	start(0, 100);
	start(1, 100);
	assert_true(timer_is_running(&all[0].timer));
	timer_stop(&all[0].timer);
	assert_false(timer_is_running(&all[0].timer));
	timer_stop(&all[0].timer);
	pass(1000);
	assert_int_equal(all[0].fired, 0);
	assert_int_equal(all[1].fired, 1);
}

static void
test_moves_a_timer_that_starts_again(void **state)
{
	uint64_t from;

	(void) state;
	start(0, 100);
	pass(50);
	from = clock_ms;
	start(0, 1000);
	pass(500);
	assert_int_equal(all[0].fired, 0);
	pass(1000);
	check_time(&all[0], from + 1000);
}

static void
test_restarts_in_a_callback(void **state)
{
	(void) state;
	all[0].restart = 0;
	all[0].restarts = 3;
	all[1].restart = 1024; /* falls into the slot that is being served */
	all[1].restarts = 1;
	start(0, 100);
	start(1, 100);
	pass(1000);
	assert_int_equal(all[0].fired, 4);
	assert_int_equal(all[1].fired, 1);
	pass(1000);
	assert_int_equal(all[1].fired, 2);
}

/* A callback stops timers that are due at the same time, before and after its own. */
static void
test_stops_in_a_callback(void **state)
{
	(void) state;
	for (int i = 0; i < 5; i++)
		start(i, 100);
	all[0].stops = &all[1].timer;
	all[2].stops = &all[3].timer;
	all[4].stops = &all[2].timer;
	pass(500);
	assert_int_equal(all[0].fired, 1);
	assert_int_equal(all[1].fired, 0);
	assert_int_equal(all[2].fired, 1);
	assert_int_equal(all[3].fired, 0);
	assert_int_equal(all[4].fired, 1);
}

/* A turn of the near wheel takes 1,024 ms, one of the far wheel 1,024 times as long. */
static void
test_fires_after_several_turns(void **state)
{
	static const uint64_t times[] = { 1023, 1024, 1025, 2047, 2048, 102400, 1048575, 1048576, 1049600, 3600000, 100 };
	uint64_t from = clock_ms;

	(void) state;
	for (int i = 0; i < 11; i++)
		start(i, times[i]);
	pass(1022);
	assert_int_equal(fired_count, 1);
	pass(200000);
	assert_int_equal(fired_count, 7);
	pass(3600000);
	for (int i = 0; i < 11; i++)
		check_time(&all[i], from + times[i]);
}

/* After the process was halted, all overdue timers fire at once and in order, even after several turns. */
static void
test_fires_overdue_timers_after_a_halt(void **state)
{
	(void) state;
	start(0, 120000);
	start(1, 51250);
	start(2, 100);
	start(3, 500000);
	clock_ms += 200000;
	tick(ticker);
	assert_int_equal(fired_count, 3);
	assert_int_equal(all[2].rank, 0);
	assert_int_equal(all[1].rank, 1);
	assert_int_equal(all[0].rank, 2);
	pass(310000);
	assert_int_equal(all[3].fired, 1);
}

static void
test_fires_many_timers_in_time(void **state)
{
	static uint64_t due[MOST];

	(void) state;
	srandom(3);
	for (int i = 0; i < MOST; i++)
	{
		uint64_t milliseconds = (uint64_t) random() % 120000;

		due[i] = clock_ms + milliseconds;
		start(i, milliseconds);
		if (i % 10 == 0)
			pass(10);
	}
	for (int i = 0; i < MOST; i += 7)
	{
		if (all[i].fired == 0)
		{
			timer_stop(&all[i].timer);
			due[i] = 0;
		}
	}
	pass(130000);
	for (int i = 0; i < MOST; i++)
	{
		if (due[i] == 0)
			assert_int_equal(all[i].fired, 0);
		else
			check_time(&all[i], due[i]);
	}
	assert_true(fired_count > MOST * 6 / 7 - 1);
}

#define TIMER_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TIMER_TEST(test_fires_in_order),
		TIMER_TEST(test_sleeps_between_timers),
		TIMER_TEST(test_stops_a_timer),
		TIMER_TEST(test_moves_a_timer_that_starts_again),
		TIMER_TEST(test_restarts_in_a_callback),
		TIMER_TEST(test_stops_in_a_callback),
		TIMER_TEST(test_fires_after_several_turns),
		TIMER_TEST(test_fires_overdue_timers_after_a_halt),
		TIMER_TEST(test_fires_many_timers_in_time),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}

/*-------------------------------------------------------------------------
 *
 * test_rate.c
 *	  Tests the token buckets (base/rate.c), with times of its own.
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

#include <cmocka.h>

#include "base/rate.h"

static const Rate two_a_second = { .per_second = 2, .burst = 3 };

static void
reads_rates(void **state)
{
	static const char *const bad[] = { "", "20", "20/s", "20/s:", "20/day:3", "0/s:3", "-1/s:3", "2/s:0.5", "2/s:3x", "x/s:3" };
	Rate rate;

	(void) state;
	assert_true(rate_read("20/s:100", &rate));
	assert_true(rate.per_second == 20 && rate.burst == 100);
	assert_true(rate_read("30/min:5", &rate));
	assert_true(rate.per_second == 0.5 && rate.burst == 5);
	assert_true(rate_read("3600/h:1", &rate));
	assert_true(rate.per_second == 1 && rate.burst == 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(rate_read(bad[i], NULL));
}

static void
permits_a_burst_and_then_the_rate(void **state)
{
	uint64_t key = rate_key(0, "burst");

	(void) state;
	for (int i = 0; i < 3; i++)
	{
		assert_int_equal(rate_wait(key, two_a_second, 1000), 0);
		rate_take(key, two_a_second, 1, 1000);
	}
	assert_in_range(rate_wait(key, two_a_second, 1000), 500, 501);
	assert_in_range(rate_wait(key, two_a_second, 1400), 100, 101);
	assert_int_equal(rate_wait(key, two_a_second, 1501), 0);
	rate_take(key, two_a_second, 1, 1501);
	assert_in_range(rate_wait(key, two_a_second, 1501), 498, 501);
	for (int i = 0; i < 3; i++)
	{
		assert_int_equal(rate_wait(key, two_a_second, 9000), 0); /* full again */
		rate_take(key, two_a_second, 1, 9000);
	}
	assert_true(rate_wait(key, two_a_second, 9000) > 0);
}

static void
may_take_more_than_there_is(void **state)
{
	uint64_t key = rate_key(0, "debt");

	(void) state;
	rate_take(key, two_a_second, 13, 1000);
	assert_in_range(rate_wait(key, two_a_second, 1000), 5500, 5501);
}

static void
tells_names_and_kinds_apart(void **state)
{
	(void) state;
	rate_take(rate_key(0, "one"), two_a_second, 3, 1000);
	assert_true(rate_wait(rate_key(0, "one"), two_a_second, 1000) > 0);
	assert_int_equal(rate_wait(rate_key(0, "two"), two_a_second, 1000), 0);
	assert_int_equal(rate_wait(rate_key(1, "one"), two_a_second, 1000), 0);
	assert_int_not_equal(rate_key(0, "a name of 16 byte"), rate_key(0, "a name of 16 bytf"));
}

/* More names than places: those who did little are forgotten, those who did much are not. */
static void
forgets_the_fullest_buckets(void **state)
{
	uint64_t greedy = rate_key(0, "greedy");

	(void) state;
	rate_take(greedy, two_a_second, 100, 1000);
	for (int i = 0; i < 4 * RATE_TABLE_SIZE; i++)
	{
		char name[24];

		snprintf(name, sizeof(name), "many %d", i);
		rate_take(rate_key(0, name), two_a_second, 1, 1000);
	}
	assert_true(rate_wait(greedy, two_a_second, 1000) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rates),
		cmocka_unit_test(permits_a_burst_and_then_the_rate),
		cmocka_unit_test(may_take_more_than_there_is),
		cmocka_unit_test(tells_names_and_kinds_apart),
		cmocka_unit_test(forgets_the_fullest_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

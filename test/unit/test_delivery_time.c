/*-------------------------------------------------------------------------
 *
 * test_delivery_time.c
 *	  Tests the times of deliveries (fanout/delivery_time.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "fanout/delivery_time.h"

static int64_t
observed(void)
{
	int64_t count = 0;

	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		count += metrics_delivery_times.others.counts[i];
	return count;
}

static void
counts_an_event_when_it_is_written(void **state)
{
	(void) state;
	delivery_time_begin(clock_now() - 2000);
	delivery_time_begin(clock_now() - 2000);
	assert_int_equal(observed(), 0);
	delivery_time_end();
	delivery_time_end();
	assert_int_equal(observed(), 2);
	assert_true(metrics_delivery_times.others.sum >= 4);
}

static void
takes_a_time_in_the_future_as_now(void **state)
{
	double before = metrics_delivery_times.others.sum;

	(void) state;
	delivery_time_begin(clock_now() + 60000);
	delivery_time_end();
	assert_true(metrics_delivery_times.others.sum == before);
}

static void
notes_a_bounded_number(void **state)
{
	int64_t before = observed();

	(void) state;
	for (int i = 0; i < 100000; i++)
		delivery_time_begin(clock_now());
	delivery_time_end();
	assert_int_equal(observed() - before, 100000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_an_event_when_it_is_written),
		cmocka_unit_test(takes_a_time_in_the_future_as_now),
		cmocka_unit_test(notes_a_bounded_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

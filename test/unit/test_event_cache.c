/*-------------------------------------------------------------------------
 *
 * test_event_cache.c
 *	  The cache has all events from each of its positions on, and stays within its size.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/metrics.h"
#include "catchup/event_cache.h"
#include "support.h"

static Config config;
static char said[4096];

static void
collect(Event *event)
{
	strcat(said, event->name);
	strcat(said, " ");
}

static const char *
from(uint64_t number)
{
	said[0] = '\0';
	event_cache_each(number, collect);
	return said;
}

static void
add(void (*put)(Event *event), const char *name)
{
	Event *event = support_event(name, "x");

	put(event);
	event_unref(event);
}

static int
begin(void **state)
{
	(void) state;
	config.event_cache_size = 16 << 20;
	event_cache_start(&config);
	return 0;
}

static int
end(void **state)
{
	(void) state;
	event_cache_clear();
	assert_int_equal(metrics.cached_events, 0);
	assert_int_equal(metrics.cached_bytes, 0);
	return 0;
}

/* Makes the next position that is reached the beginning of a segment. */
static void
reach(const char *position)
{
	config.event_cache_size = 1;
	event_cache_reached(position);
	config.event_cache_size = 16 << 20;
}

static void
begins_segments_at_positions(void **state)
{
	uint64_t first;

	(void) state;
	assert_null(event_cache_position(event_cache_first_segment()));
	add(event_cache_add, "before");
	event_cache_reached("p0");
	first = event_cache_first_segment();
	add(event_cache_add, "a");
	event_cache_reached("p1"); /* too few bytes for a segment of its own */
	assert_null(event_cache_position(first + 1));
	add(event_cache_add, "b");
	reach("p2");
	add(event_cache_add, "c");
	assert_string_equal(event_cache_position(first), "p0");
	assert_string_equal(event_cache_position(first + 1), "p2");
	assert_string_equal(from(first), "a b c ");
	assert_string_equal(from(first + 1), "c ");
	assert_string_equal(from(first + 2), "");
}

static void
prepends_a_segment_that_was_read_back(void **state)
{
	uint64_t first;

	(void) state;
	event_cache_prepend_end();
	event_cache_reached("p1");
	first = event_cache_first_segment();
	add(event_cache_add, "live");
	event_cache_prepend_begin("forgotten");
	add(event_cache_prepend_add, "forgotten");
	event_cache_prepend_begin("p0");
	add(event_cache_prepend_add, "old");
	assert_string_equal(from(0), "live ");
	event_cache_prepend_end();
	assert_true(event_cache_first_segment() < first);
	assert_string_equal(event_cache_position(event_cache_first_segment()), "p0");
	assert_string_equal(from(event_cache_first_segment()), "old live ");
	assert_string_equal(from(first), "live ");
	first = event_cache_first_segment();
	event_cache_prepend_begin("p0");
	event_cache_prepend_end(); /* is the first already */
	assert_int_equal(event_cache_first_segment(), first);
	event_cache_prepend_begin("p00");
	event_cache_prepend_end();
	assert_true(event_cache_first_segment() < first);
}

static void
stays_within_its_size(void **state)
{
	char position[16];

	(void) state;
	config.event_cache_size = 20000;
	for (int i = 0; i < 1000; i++)
	{
		snprintf(position, sizeof(position), "p%d", i);
		event_cache_reached(position);
		add(event_cache_add, "e");
		assert_true(metrics.cached_bytes <= 20000);
	}
	assert_true(metrics.cached_bytes > 15000);
	assert_non_null(event_cache_position(event_cache_first_segment()));
	event_cache_prepend_begin("old");
	for (int i = 0; i < 100; i++)
		add(event_cache_prepend_add, "old"); /* there is no space for them */
	assert_true(metrics.cached_bytes <= 20000);
	event_cache_prepend_end();
	assert_null(strstr(from(0), "old"));
}

static void
never_has_too_many_segments(void **state)
{
	const char *positions[EVENT_CACHE_SEGMENTS];
	uint64_t numbers[EVENT_CACHE_SEGMENTS];

	(void) state;
	for (int i = 0; i < 3 * EVENT_CACHE_SEGMENTS; i++)
	{
		event_cache_reached("p");
		reach("p");
		add(event_cache_add, "e");
	}
	assert_int_equal(event_cache_segments(positions, numbers), EVENT_CACHE_SEGMENTS);
	assert_int_equal(numbers[0], event_cache_first_segment());
	for (int i = 1; i < EVENT_CACHE_SEGMENTS; i++)
		assert_true(numbers[i - 1] < numbers[i]);
	event_cache_prepend_begin("old");
	event_cache_prepend_end();
	assert_int_equal(event_cache_segments(positions, numbers), EVENT_CACHE_SEGMENTS);
}

/* The cache stays empty until the window ends. */
static void
holds_nothing_after_a_window_larger_than_itself(void **state)
{
	(void) state;
	config.event_cache_size = 5000;
	event_cache_reached("p0");
	for (int i = 0; i < 100; i++)
		add(event_cache_add, "large");
	assert_null(event_cache_position(event_cache_first_segment()));
	assert_int_equal(metrics.cached_events, 0);
	event_cache_reached("p1");
	add(event_cache_add, "after");
	assert_string_equal(event_cache_position(event_cache_first_segment()), "p1");
	assert_string_equal(from(0), "after ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(begins_segments_at_positions, begin, end),
		cmocka_unit_test_setup_teardown(prepends_a_segment_that_was_read_back, begin, end),
		cmocka_unit_test_setup_teardown(stays_within_its_size, begin, end),
		cmocka_unit_test_setup_teardown(never_has_too_many_segments, begin, end),
		cmocka_unit_test_setup_teardown(holds_nothing_after_a_window_larger_than_itself, begin, end),
	};

	return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}

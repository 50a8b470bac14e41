/*-------------------------------------------------------------------------
 *
 * test_recent.c
 *	  Recent events: without gaps from any of their positions on, and never more than may be.
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
#include "fanout/recent.h"
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
	recent_each(number, collect);
	return said;
}

static void
add(void (*put)(Event *event), const char *name)
{
	Event *event = support_event(name, "x");

	put(event);
	event_release(event);
}

static int
begin(void **state)
{
	(void) state;
	config.recent_events_size = 16 << 20;
	recent_start(&config);
	return 0;
}

static int
end(void **state)
{
	(void) state;
	recent_clear();
	assert_int_equal(metrics.recent_events, 0);
	assert_int_equal(metrics.recent_bytes, 0);
	return 0;
}

/* Makes the next position that is reached the beginning of a stretch. */
static void
reach(const char *position)
{
	config.recent_events_size = 1;
	recent_reached(position);
	config.recent_events_size = 16 << 20;
}

static void
test_stretches(void **state)
{
	uint64_t first;

	(void) state;
	assert_null(recent_position(recent_first()));
	add(recent_add, "before");
	recent_reached("p0");
	first = recent_first();
	add(recent_add, "a");
	recent_reached("p1"); /* too little for a stretch of its own */
	assert_null(recent_position(first + 1));
	add(recent_add, "b");
	reach("p2");
	add(recent_add, "c");
	assert_string_equal(recent_position(first), "p0");
	assert_string_equal(recent_position(first + 1), "p2");
	assert_string_equal(from(first), "a b c ");
	assert_string_equal(from(first + 1), "c ");
	assert_string_equal(from(first + 2), "");
}

static void
test_what_was_read_back(void **state)
{
	uint64_t first;

	(void) state;
	recent_back_end();
	recent_reached("p1");
	first = recent_first();
	add(recent_add, "live");
	recent_back_begin("forgotten");
	add(recent_back_add, "forgotten");
	recent_back_begin("p0");
	add(recent_back_add, "old");
	assert_string_equal(from(0), "live ");
	recent_back_end();
	assert_true(recent_first() < first);
	assert_string_equal(recent_position(recent_first()), "p0");
	assert_string_equal(from(recent_first()), "old live ");
	assert_string_equal(from(first), "live ");
	first = recent_first();
	recent_back_begin("p0");
	recent_back_end(); /* is the first already */
	assert_int_equal(recent_first(), first);
	recent_back_begin("p00");
	recent_back_end();
	assert_true(recent_first() < first);
}

static void
test_bounded(void **state)
{
	char position[16];

	(void) state;
	config.recent_events_size = 20000;
	for (int i = 0; i < 1000; i++)
	{
		snprintf(position, sizeof(position), "p%d", i);
		recent_reached(position);
		add(recent_add, "e");
		assert_true(metrics.recent_bytes <= 20000);
	}
	assert_true(metrics.recent_bytes > 15000);
	assert_non_null(recent_position(recent_first()));
	recent_back_begin("old");
	for (int i = 0; i < 100; i++)
		add(recent_back_add, "old"); /* there is no room for them */
	assert_true(metrics.recent_bytes <= 20000);
	recent_back_end();
	assert_null(strstr(from(0), "old"));
}

static void
test_never_too_many_stretches(void **state)
{
	const char *positions[RECENT_STRETCHES];
	uint64_t numbers[RECENT_STRETCHES];

	(void) state;
	for (int i = 0; i < 3 * RECENT_STRETCHES; i++)
	{
		recent_reached("p");
		reach("p");
		add(recent_add, "e");
	}
	assert_int_equal(recent_held(positions, numbers), RECENT_STRETCHES);
	assert_int_equal(numbers[0], recent_first());
	for (int i = 1; i < RECENT_STRETCHES; i++)
		assert_true(numbers[i - 1] < numbers[i]);
	recent_back_begin("old");
	recent_back_end();
	assert_int_equal(recent_held(positions, numbers), RECENT_STRETCHES);
}

/* A window that is larger than the memory leaves a gap: nothing is held until it is over. */
static void
test_large_window(void **state)
{
	(void) state;
	config.recent_events_size = 5000;
	recent_reached("p0");
	for (int i = 0; i < 100; i++)
		add(recent_add, "large");
	assert_null(recent_position(recent_first()));
	assert_int_equal(metrics.recent_events, 0);
	recent_reached("p1");
	add(recent_add, "after");
	assert_string_equal(recent_position(recent_first()), "p1");
	assert_string_equal(from(0), "after ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stretches, begin, end),
		cmocka_unit_test_setup_teardown(test_what_was_read_back, begin, end),
		cmocka_unit_test_setup_teardown(test_bounded, begin, end),
		cmocka_unit_test_setup_teardown(test_never_too_many_stretches, begin, end),
		cmocka_unit_test_setup_teardown(test_large_window, begin, end),
	};

	return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}

/*-------------------------------------------------------------------------
 *
 * test_seen_snapshots.c
 *	  A position decides by transaction and id which events were seen.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fanout/seen_snapshots.h"

static bool
has(const SeenSnapshots *seen, uint64_t xid, int64_t number)
{
	Event event = { .xid = xid, .number = number };

	return seen_snapshots_has(seen, &event);
}

static void
reads_a_snapshot_as_postgresql_does(void **state)
{
	SeenSnapshots *seen = seen_snapshots_new(1);

	(void) state;
	seen_snapshots_add(seen, "100:110:100,105,109", INT64_MAX);
	assert_true(has(seen, 99, 7));
	assert_false(has(seen, 100, 7));
	assert_true(has(seen, 101, 7));
	assert_false(has(seen, 105, 7));
	assert_false(has(seen, 109, 1));
	assert_false(has(seen, 110, 1));
	assert_false(has(seen, UINT64_MAX, 1));
	seen_snapshots_free(seen);
}

/* A malformed text sees no transaction that its good beginning does not see. */
static void
reads_the_beginning_of_malformed_snapshots(void **state)
{
	static const char *const texts[] = { "", ":", "100", "100:", "x:110:", "100:x", "100:,,,,", "100:-1:" };

	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
	{
		SeenSnapshots *seen = seen_snapshots_new(1);

		seen_snapshots_add(seen, texts[i], INT64_MAX);
		assert_false(has(seen, 99, 7));
		seen_snapshots_free(seen);
	}
}

static void
sees_ids_of_a_window_up_to_the_last_one(void **state)
{
	SeenSnapshots *seen = seen_snapshots_new(2);

	(void) state;
	seen_snapshots_add(seen, "100:100:", INT64_MAX);
	seen_snapshots_add(seen, "103:120:103,119", 50);
	assert_true(has(seen, 99, 90));
	assert_true(has(seen, 100, 50));
	assert_false(has(seen, 100, 51));
	assert_false(has(seen, 103, 10));
	assert_false(has(seen, 120, 10));
	assert_true(has(seen, 118, 10));
	assert_true(has(seen, 99, INT64_MAX)); /* derived from that transaction */
	assert_false(has(seen, 118, INT64_MAX));
	seen_snapshots_free(seen);
}

static void
has_seen_nothing_without_snapshots(void **state)
{
	SeenSnapshots *seen = seen_snapshots_new(0);

	(void) state;
	assert_false(has(seen, 1, 1));
	seen_snapshots_free(seen);
	seen_snapshots_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_snapshot_as_postgresql_does),
		cmocka_unit_test(reads_the_beginning_of_malformed_snapshots),
		cmocka_unit_test(sees_ids_of_a_window_up_to_the_last_one),
		cmocka_unit_test(has_seen_nothing_without_snapshots),
	};

	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}

/*-------------------------------------------------------------------------
 *
 * test_recent_rechecks.c
 *	  Rechecks are found from a number on, and count as found once they are forgotten.
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

#include "fanout/recent_rechecks.h"

static void
add(const char *user)
{
	Recheck recheck = { .xid = 1, .user = (char *) user, .room = "lobby:1" };

	recent_rechecks_add(&recheck);
}

static bool
is_of_user(const Recheck *recheck, const void *user)
{
	assert_string_equal(recheck->room, "lobby:1");
	return strcmp(recheck->user, user) == 0;
}

static void
finds_rechecks_from_a_number_on(void **state)
{
	uint64_t first = recent_rechecks_next();
	uint64_t second;

	(void) state;
	assert_false(recent_rechecks_any(first, is_of_user, "ann"));
	add("ann");
	second = recent_rechecks_next();
	add("ben");
	assert_true(recent_rechecks_any(first, is_of_user, "ann"));
	assert_true(recent_rechecks_any(first, is_of_user, "ben"));
	assert_false(recent_rechecks_any(first, is_of_user, "cat"));
	assert_false(recent_rechecks_any(second, is_of_user, "ann"));
	assert_true(recent_rechecks_any(second, is_of_user, "ben"));
	assert_false(recent_rechecks_any(recent_rechecks_next(), is_of_user, "ben"));
}

static void
counts_forgotten_rechecks_as_found(void **state)
{
	uint64_t first = recent_rechecks_next();

	(void) state;
	for (int i = 0; i < RECENT_RECHECKS; i++)
		add("ann");
	assert_false(recent_rechecks_any(first, is_of_user, "ben"));
	add("ann");
	assert_true(recent_rechecks_any(first, is_of_user, "ben"));
	assert_false(recent_rechecks_any(first + 1, is_of_user, "ben"));
	first = recent_rechecks_next();
	recent_rechecks_forget();
	assert_true(recent_rechecks_any(first, is_of_user, "ben"));
	assert_false(recent_rechecks_any(recent_rechecks_next(), is_of_user, "ben"));
	add("ben");
	assert_true(recent_rechecks_any(recent_rechecks_next() - 1, is_of_user, "ben"));
	recent_rechecks_forget();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_rechecks_from_a_number_on),
		cmocka_unit_test(counts_forgotten_rechecks_as_found),
	};

	return cmocka_run_group_tests_name("recent_rechecks", tests, NULL, NULL);
}

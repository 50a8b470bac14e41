/*-------------------------------------------------------------------------
 *
 * test_attempts.c
 *	  Pauses grow after each round through all servers, and grow long only if all of them refuse.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "source/attempts.h"

#define TWO_SERVERS "host=a,b"
#define WRONG_PASSWORD "28P01"
#define STARTING "57P03"

/* Returns the pause after so many rounds through two servers, which answer with these SQLSTATEs. */
static uint64_t
pause_after(int rounds, const char *first, const char *second)
{
	Attempts attempts = { 0 };
	uint64_t pause = 0;

	for (int round = 0; round < rounds; round++)
	{
		attempts_fail(&attempts);
		attempts_note_refusal(&attempts, first);
		assert_int_equal(attempts_pause(&attempts, TWO_SERVERS), 0);
		attempts_fail(&attempts);
		attempts_note_refusal(&attempts, second);
		pause = attempts_pause(&attempts, TWO_SERVERS);
	}
	attempts_open();
	return pause;
}

static void
test_starts_with_a_short_pause(void **state)
{
	(void) state;
	assert_in_range(pause_after(1, WRONG_PASSWORD, WRONG_PASSWORD), 50, 100);
}

static void
test_pauses_long_if_all_servers_refuse(void **state)
{
	(void) state;
	assert_in_range(pause_after(20, WRONG_PASSWORD, WRONG_PASSWORD), 30000, 60000);
}

static void
test_pauses_for_seconds_if_one_server_may_come_back(void **state)
{
	(void) state;
	assert_in_range(pause_after(20, "", WRONG_PASSWORD), 2500, 5000);
	assert_in_range(pause_after(20, WRONG_PASSWORD, STARTING), 2500, 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_with_a_short_pause),
		cmocka_unit_test(test_pauses_long_if_all_servers_refuse),
		cmocka_unit_test(test_pauses_for_seconds_if_one_server_may_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*-------------------------------------------------------------------------
 *
 * test_log.c
 *	  Tests how the log reaches standard error (base/log.c).
 *
 * A pipe of packets keeps the borders of writes.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static int pipe_ends[2];
static int former;

static int
catch_standard_error(void **state)
{
	(void) state;
	former = dup(STDERR_FILENO);
	return pipe2(pipe_ends, O_DIRECT) != 0 || dup2(pipe_ends[1], STDERR_FILENO) < 0;
}

static int
release_standard_error(void **state)
{
	(void) state;
	return dup2(former, STDERR_FILENO) < 0;
}

/* Logs an event of three fields in a format, and asserts that one write has the whole line. */
static void
assert_one_write(LogFormat format, const char *end)
{
	char packet[4096];
	ssize_t length;

	log_configure(&(LogSettings){ LOG_LEVEL_INFO, format });
	log_event(LOG_LEVEL_INFO, "connected", "user", "7", "name", "two words", "address", "192.0.2.1", NULL);
	length = read(pipe_ends[0], packet, sizeof(packet) - 1);
	assert_true(length > 0);
	packet[length] = '\0';
	assert_memory_equal(packet, format == LOG_FORMAT_JSON ? "{\"time\":" : "time=20", 7);
	assert_true(strlen(packet) > strlen(end));
	assert_string_equal(packet + length - strlen(end), end);
}

static void
writes_each_line_at_once(void **state)
{
	(void) state;
	log_open();
	assert_one_write(LOG_FORMAT_TEXT, " user=7 name=\"two words\" address=192.0.2.1\n");
	assert_one_write(LOG_FORMAT_JSON, ",\"user\":\"7\",\"name\":\"two words\",\"address\":\"192.0.2.1\"}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes_each_line_at_once, catch_standard_error, release_standard_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

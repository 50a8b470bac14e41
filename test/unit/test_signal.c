/*-------------------------------------------------------------------------
 *
 * test_signal.c
 *	  Turns payloads of herald.signal() into events, and drops all others.
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

#include "base/log.h"
#include "base/memory.h"
#include "source/signal.h"

static void
test_reads_all_fields(void **state)
{
	Event *event = signal_read("{\"rooms\":[\"user:7\",\"a \\\"b\\\"\"],\"event\":\"typing:start\","
							   "\"payload\":{\"userId\" : \"8\",\n \"lastSeen\":null},\"key\":\"typing:8\",\"except\":\"8\"}",
							   "1~2~3.");

	(void) state;
	assert_true(event->ephemeral);
	assert_null(event->id);
	assert_null(event->member);
	assert_int_equal(event->xid, 0);
	assert_int_equal(event->references, 1);
	assert_int_equal(event->room_count, 2);
	assert_string_equal(event->rooms[0], "user:7");
	assert_string_equal(event->rooms[1], "a \"b\"");
	assert_string_equal(event->name, "typing:start");
	assert_string_equal(event->payload, "{\"userId\":\"8\",\"lastSeen\":null}"); /* on one line, as an event stream needs it */
	assert_string_equal(event->key, "typing:8");
	assert_string_equal(event->except, "8");
	assert_string_equal(event->position, "1~2~3.");
	event_unref(event);
}

static void
test_accepts_missing_key_and_except(void **state)
{
	Event *event = signal_read("{\"rooms\":[\"*\"],\"event\":\"e\",\"payload\":{}}", "p");

	(void) state;
	assert_null(event->key);
	assert_null(event->except);
	assert_string_equal(event->payload, "{}");
	event_unref(event);
}

/* Numbers stay as exact as a JavaScript client reads them. */
static void
test_keeps_numbers(void **state)
{
	Event *event = signal_read("{\"rooms\":[\"*\"],\"event\":\"e\",\"payload\":{\"a\":9007199254740993,\"b\":-1.5}}", "p");
	Event *big = signal_read("{\"rooms\":[\"*\"],\"event\":\"e\",\"payload\":{\"a\":18446744073709551616}}", "p");

	(void) state;
	assert_string_equal(event->payload, "{\"a\":9007199254740993,\"b\":-1.5}");
	assert_non_null(big);
	event_unref(event);
	event_unref(big);
}

/* Every role that may connect to the database may send such a NOTIFY. */
static void
test_drops_malformed_payloads(void **state)
{
	static const char *const texts[] = {
		"",
		"nonsense",
		"{",
		"[]",
		"null",
		"7",
		"\"text\"",
		"{}",
		"{\"rooms\":[\"*\"],\"event\":\"e\",\"payload\":{}} x",
		"{\"rooms\":[\"*\"],\"event\":\"e\"}",
		"{\"rooms\":[\"*\"],\"event\":\"e\",\"payload\":\"text\"}",
		"{\"rooms\":[\"*\"],\"event\":\"e\",\"payload\":null}",
		"{\"rooms\":[\"*\"],\"payload\":{}}",
		"{\"rooms\":[\"*\"],\"event\":7,\"payload\":{}}",
		"{\"event\":\"e\",\"payload\":{}}",
		"{\"rooms\":[],\"event\":\"e\",\"payload\":{}}",
		"{\"rooms\":\"*\",\"event\":\"e\",\"payload\":{}}",
		"{\"rooms\":{\"a\":\"*\"},\"event\":\"e\",\"payload\":{}}",
		"{\"rooms\":[\"*\",null],\"event\":\"e\",\"payload\":{}}",
		"{\"rooms\":[\"*\",[\"a\"]],\"event\":\"e\",\"payload\":{}}",
		"{\"rooms\":[\"\xff\"],\"event\":\"e\",\"payload\":{}}",
	};

	(void) state;
	log_configure(&(LogSettings){ LOG_LEVEL_ERROR, LOG_FORMAT_TEXT });
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_null(signal_read(texts[i], "p"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_all_fields),
		cmocka_unit_test(test_accepts_missing_key_and_except),
		cmocka_unit_test(test_keeps_numbers),
		cmocka_unit_test(test_drops_malformed_payloads),
	};

	return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}

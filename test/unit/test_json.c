/*-------------------------------------------------------------------------
 *
 * test_json.c
 *	  Reads the JSON of clients.
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

#include "base/json.h"

/* wanted: the value, written without escapes; NULL: the text is malformed. */
static void
expect_read(const char *text, bool storable, const char *wanted)
{
	bool found;
	json_t *value = json_from_client(text, strlen(text), &found);
	char *written = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (wanted == NULL)
		assert_null(written);
	else
		assert_string_equal(written, wanted);
	assert_int_equal(found, storable);
	free(written);
	json_decref(value);
}

static void
reads_what_can_be_stored(void **state)
{
	(void) state;
	expect_read("{\"a\":\"b\\n\\u00e9\\uD83D\\uDE00\"}", true, "{\"a\":\"b\\n\xc3\xa9\xf0\x9f\x98\x80\"}");
	expect_read("[\"\\\\u0000\",\"\\\\\\\\ud800\",\"\\\\\"]", true, "[\"\\\\u0000\",\"\\\\\\\\ud800\",\"\\\\\"]");
	expect_read("{\"a\":1,\"a\":2}", true, "{\"a\":2}"); /* as PostgreSQL and JavaScript do */
	expect_read("[12345678901234567890123]", true, "[1.2345678901234568e22]");
}

static void
replaces_what_cannot_be_stored(void **state)
{
	(void) state;
	expect_read("[\"a\\u0000b\"]", false, "[\"a\xef\xbf\xbd"
										  "b\"]");
	expect_read("{\"\\u0000\":\"\\\\\\u0000\"}", false, "{\"\xef\xbf\xbd\":\"\\\\\xef\xbf\xbd\"}");
	expect_read("[\"\\uD83D\",\"\\uDE00\",\"\\uD83D\\uD83D\\uDE00\"]", false,
				"[\"\xef\xbf\xbd\",\"\xef\xbf\xbd\",\"\xef\xbf\xbd\xf0\x9f\x98\x80\"]");
	expect_read("[\"\\ud83dx\",\"\\ud83d\\n\"]", false, "[\"\xef\xbf\xbdx\",\"\xef\xbf\xbd\\n\"]");
}

static void
refuses_malformed_texts(void **state)
{
	(void) state;
	expect_read("", true, NULL);
	expect_read("[\"\\u00\"]", true, NULL);
	expect_read("[\"\\", true, NULL);
	expect_read("[\"\\ud83d\\u\"]", false, NULL);
	expect_read("[\"\\u0000", false, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_can_be_stored),
		cmocka_unit_test(replaces_what_cannot_be_stored),
		cmocka_unit_test(refuses_malformed_texts),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

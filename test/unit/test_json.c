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
expect_read(const char *text, const char *refusal, const char *wanted)
{
	const char *found;
	json_t *value = json_from_client(text, strlen(text), &found);
	char *written = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (wanted == NULL)
		assert_null(written);
	else
		assert_string_equal(written, wanted);
	if (wanted != NULL)
		assert_string_equal(found ? found : "-", refusal ? refusal : "-");
	free(written);
	json_decref(value);
}

static void
reads_what_can_be_stored(void **state)
{
	(void) state;
	expect_read("{\"a\":\"b\\n\\u00e9\\uD83D\\uDE00\"}", NULL, "{\"a\":\"b\\n\xc3\xa9\xf0\x9f\x98\x80\"}");
	expect_read("[\"\\\\u0000\",\"\\\\\\\\ud800\",\"\\\\\"]", NULL, "[\"\\\\u0000\",\"\\\\\\\\ud800\",\"\\\\\"]");
	expect_read("{\"a\":1,\"a\":2}", NULL, "{\"a\":2}"); /* as PostgreSQL and JavaScript do */
}

/* A large integer is rounded as in JavaScript, and leaves its neighbours as they are. */
static void
rounds_large_integers_only(void **state)
{
	(void) state;
	expect_read("[12345678901234567890123]", NULL, "[1.2345678901234568e22]");
	expect_read("{\"id\":7,\"n\":18446744073709551617,\"m\":-9223372036854775808}", NULL,
				"{\"id\":7,\"n\":1.8446744073709552e19,\"m\":-9223372036854775808}");
	expect_read("[9223372036854775807,9223372036854775808,-9223372036854775809]", NULL,
				"[9223372036854775807,9.2233720368547758e18,-9.2233720368547758e18]");
	expect_read("[1,\"12345678901234567890123\\\"1e999\",12345678901234567890.5,1e30]", NULL,
				"[1,\"12345678901234567890123\\\"1e999\",1.2345678901234567e19,1e30]");
}

static void
refuses_numbers_that_no_double_holds(void **state)
{
	char digits[500] = "[1,";

	(void) state;
	expect_read("[1e309]", JSON_TOO_LARGE, "[null]");
	expect_read("{\"id\":1,\"a\":[-1.5e+4000,2],\"b\":18446744073709551617}", JSON_TOO_LARGE,
				"{\"id\":1,\"a\":[null,2],\"b\":1.8446744073709552e19}");
	memset(digits + 3, '9', 400);
	memcpy(digits + 403, "]", 2);
	expect_read(digits, JSON_TOO_LARGE, "[1,null]");
	expect_read("[1e309", NULL, NULL);
	expect_read("1e309x", NULL, NULL);
	expect_read("[00000000000000000000001]", NULL, NULL);
}

/* Returns a text with so many arrays in one another, in an array behind a number; the caller frees it. */
static char *
nested(size_t levels, const char *innermost)
{
	char *text = calloc(1, 3 + 2 * levels + strlen(innermost) + 2);

	strcpy(text, "[7,");
	memset(text + 3, '[', levels);
	strcpy(text + 3 + levels, innermost);
	memset(text + 3 + levels + strlen(innermost), ']', levels + 1);
	return text;
}

static void
refuses_deep_nesting(void **state)
{
	static const struct
	{
		size_t levels;
		const char *innermost;
		const char *refusal;
	} cases[] = { { 1500, "1", NULL }, { 3000, "\"]\\\"\"", JSON_TOO_DEEP }, { 50000, "", JSON_TOO_DEEP } };

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		char *text = nested(cases[i].levels, cases[i].innermost);
		const char *refusal;
		json_t *value = json_from_client(text, strlen(text), &refusal);

		assert_int_equal(json_integer_value(json_array_get(value, 0)), 7);
		assert_string_equal(refusal ? refusal : "-", cases[i].refusal ? cases[i].refusal : "-");
		json_decref(value);
		assert_null(json_from_client(text, strlen(text) - 1, &refusal));
		free(text);
	}
}

static void
replaces_what_cannot_be_stored(void **state)
{
	(void) state;
	expect_read("[\"a\\u0000b\"]", JSON_NOT_STORABLE, "[\"a\xef\xbf\xbd"
													  "b\"]");
	expect_read("{\"\\u0000\":\"\\\\\\u0000\"}", JSON_NOT_STORABLE, "{\"\xef\xbf\xbd\":\"\\\\\xef\xbf\xbd\"}");
	expect_read("[\"\\uD83D\",\"\\uDE00\",\"\\uD83D\\uD83D\\uDE00\"]", JSON_NOT_STORABLE,
				"[\"\xef\xbf\xbd\",\"\xef\xbf\xbd\",\"\xef\xbf\xbd\xf0\x9f\x98\x80\"]");
	expect_read("[\"\\ud83dx\",\"\\ud83d\\n\"]", JSON_NOT_STORABLE, "[\"\xef\xbf\xbdx\",\"\xef\xbf\xbd\\n\"]");
}

static void
refuses_malformed_texts(void **state)
{
	(void) state;
	expect_read("", NULL, NULL);
	expect_read("[\"\\u00\"]", NULL, NULL);
	expect_read("[\"\\", NULL, NULL);
	expect_read("[\"\\ud83d\\u\"]", NULL, NULL);
	expect_read("[\"\\u0000", NULL, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_can_be_stored),
		cmocka_unit_test(rounds_large_integers_only),
		cmocka_unit_test(refuses_numbers_that_no_double_holds),
		cmocka_unit_test(refuses_deep_nesting),
		cmocka_unit_test(replaces_what_cannot_be_stored),
		cmocka_unit_test(refuses_malformed_texts),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

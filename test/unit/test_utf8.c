/*-------------------------------------------------------------------------
 *
 * test_utf8.c
 *	  Finds and replaces bytes that are not UTF-8.
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

#include "base/utf8.h"

#define BAD "\xef\xbf\xbd"

static void
expect_repaired(const char *text, const char *wanted)
{
	char *repaired = utf8_repair(text, strlen(text));

	assert_string_equal(repaired, wanted);
	assert_true(utf8_is_valid(repaired, strlen(repaired)));
	assert_int_equal(utf8_is_valid(text, strlen(text)), strcmp(text, wanted) == 0);
	free(repaired);
}

static void
test_leaves_valid_text(void **state)
{
	static const char *const texts[] = { "", "a", "more than eight letters", "Gr\xc3\xbc\xc3\x9f"
																			 "e and much more text",
										 "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80",
										 "\xf4\x8f\xbf\xbf", "\xc2\x80", "1234567\xc3\xa9"
																		 "12345678" };

	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		expect_repaired(texts[i], texts[i]);
}

static void
test_replaces_bytes_of_no_character(void **state)
{
	(void) state;
	expect_repaired("caf\xe9", "caf" BAD);
	expect_repaired("\"caf\xc3\"", "\"caf" BAD "\"");
	expect_repaired("12345678\xff"
					"12345678",
					"12345678" BAD "12345678");
	expect_repaired("\x80", BAD);
	expect_repaired("\xe2\x82", BAD BAD);
	expect_repaired("\xf0\x9f\x98"
					"a\xc3\xa9",
					BAD BAD BAD "a\xc3\xa9");
}

/* Overlong forms, surrogates and numbers above U+10FFFF. */
static void
test_replaces_forbidden_forms(void **state)
{
	(void) state;
	expect_repaired("\xc0\xaf", BAD BAD);
	expect_repaired("\xe0\x9f\xbf", BAD BAD BAD);
	expect_repaired("\xf0\x8f\xbf\xbf", BAD BAD BAD BAD);
	expect_repaired("\xed\xa0\x80", BAD BAD BAD);
	expect_repaired("\xf4\x90\x80\x80", BAD BAD BAD BAD);
	expect_repaired("\xf5\x80\x80\x80", BAD BAD BAD BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves_valid_text),
		cmocka_unit_test(test_replaces_bytes_of_no_character),
		cmocka_unit_test(test_replaces_forbidden_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

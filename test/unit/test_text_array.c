/*-------------------------------------------------------------------------
 *
 * test_text_array.c
 *	  Writes texts as a text array that PostgreSQL reads unchanged.
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

#include "base/memory.h"
#include "source/text_array.h"

static void
expect(int count, const char *const *texts, const char *wanted)
{
	char *array = text_array_write(texts, count);

	assert_string_equal(array, wanted);
	free(array);
}

static void
test_writes_plain_texts(void **state)
{
	(void) state;
	expect(0, NULL, "{}");
	expect(1, (const char *[]){ "a" }, "{\"a\"}");
	expect(3, (const char *[]){ "a", "b c", "d" }, "{\"a\",\"b c\",\"d\"}");
}

/* Quotes take the special meaning from all of these. */
static void
test_quotes_special_texts(void **state)
{
	(void) state;
	expect(2, (const char *[]){ "", "NULL" }, "{\"\",\"NULL\"}");
	expect(3, (const char *[]){ "a,b", "{x}", " y " }, "{\"a,b\",\"{x}\",\" y \"}");
	expect(1, (const char *[]){ "\xc3\xa4\n\t'" }, "{\"\xc3\xa4\n\t'\"}");
}

static void
test_escapes_quotes_and_backslashes(void **state)
{
	(void) state;
	expect(1, (const char *[]){ "say \"hi\"" }, "{\"say \\\"hi\\\"\"}");
	expect(1, (const char *[]){ "a\\b" }, "{\"a\\\\b\"}");
	expect(2, (const char *[]){ "\\", "\"" }, "{\"\\\\\",\"\\\"\"}");
	expect(1, (const char *[]){ "x\",\"y" }, "{\"x\\\",\\\"y\"}"); /* a text cannot add a second element */
}

/* Every byte is escaped, so the array fills its memory; AddressSanitizer watches the end. */
static void
test_fits_the_longest_array(void **state)
{
	enum
	{
		COUNT = 300
	};
	const char *texts[COUNT];
	char *array;

	(void) state;
	for (int i = 0; i < COUNT; i++)
		texts[i] = i % 2 ? "\"\\\"\\" : "\\\\\\\\";
	array = text_array_write(texts, COUNT);
	assert_int_equal(strlen(array), 2 + COUNT * 10 + COUNT - 1);
	assert_int_equal(array[strlen(array) - 1], '}');
	free(array);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes_plain_texts),
		cmocka_unit_test(test_quotes_special_texts),
		cmocka_unit_test(test_escapes_quotes_and_backslashes),
		cmocka_unit_test(test_fits_the_longest_array),
	};

	return cmocka_run_group_tests_name("text_array", tests, NULL, NULL);
}

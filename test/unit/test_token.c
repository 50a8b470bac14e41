/*-------------------------------------------------------------------------
 *
 * test_token.c
 *	  Tokens are taken apart strictly: there is one text for one token.
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

#include "gateway/base64url.h"
#include "gateway/token.h"
#include "sign.h"

#define CLAIMS "{\"sub\":\"42\"}"

/* Takes over the text. */
static bool
parses(char *text)
{
	Token token;
	bool good = token_parse(&token, text);

	if (good)
	{
		assert_string_equal(token.algorithm, "HS256");
		assert_int_equal(token.signature_length, 3);
	}
	token_reset(&token);
	free(text);
	return good;
}

static bool
header_parses(const char *header)
{
	return parses(sign_join(sign_content(header, CLAIMS), "abc", 3));
}

static void
takes_a_token_apart(void **state)
{
	char *text = sign_join(sign_content("{\"kid\":\"k\",\"alg\":\"HS256\"}", CLAIMS), "\xff\xfe\xfd", 3);
	Token token;
	json_t *claims;

	(void) state;
	assert_true(token_parse(&token, text));
	assert_string_equal(token.key_id, "k");
	assert_int_equal(token.signed_length, strrchr(text, '.') - text);
	assert_memory_equal(token.signature, "\xff\xfe\xfd", 3);
	claims = token_claims(&token);
	assert_string_equal(json_string_value(json_object_get(claims, "sub")), "42");
	json_decref(claims);
	token_reset(&token);
	free(text);
}

static void
reads_headers_strictly(void **state)
{
	static const char *const good[] = { "{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"typ\":\"jwt\"}",
										"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "{\"alg\":\"HS256\",\"typ\":\"application/JWT\"}",
										"{\"alg\":\"HS256\",\"kid\":\"\",\"jku\":\"https://evil.example\",\"x5u\":1}" };
	static const char *const bad[] = { "", "null", "[]", "{}", "{\"alg\":null}", "{\"alg\":[\"HS256\"]}", "{\"Alg\":\"HS256\"}",
									   "{\"alg\":\"none\",\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"crit\":[]}",
									   "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "{\"alg\":\"HS256\",\"crit\":null}",
									   "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}", "{\"alg\":\"HS256\",\"kid\":7}",
									   "{\"alg\":\"HS256\",\"kid\":null}", "{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
									   "{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", "{\"alg\":\"HS256\",\"typ\":null}",
									   "{\"alg\":\"HS256\",\"typ\":\"application/\"}", "{\"alg\":\"HS256\"}x", "{\"alg\":\"HS\\u0000256\"}" };

	(void) state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!header_parses(good[i]))
			fail_msg("%s is refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (header_parses(bad[i]))
			fail_msg("%s is accepted", bad[i]);
}

static void
refuses_texts_that_are_no_token(void **state)
{
	static const char *const before[] = { " ", "\n", "Bearer ", "=", "." };
	static const char *const after[] = { " ", "\n", "=", "==", ".", ".x", "A", "+", "/", "\xc3\xa4" };
	char *token = sign_join(sign_content("{\"alg\":\"HS256\"}", CLAIMS), "abc", 3);

	(void) state;
	assert_true(parses(memory_copy(token)));
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++)
		assert_false(parses(memory_format("%s%s", before[i], token)));
	for (size_t i = 0; i < sizeof(after) / sizeof(*after); i++)
		assert_false(parses(memory_format("%s%s", token, after[i])));
	assert_false(parses(memory_copy("")));
	assert_false(parses(memory_copy("..")));
	assert_false(parses(memory_copy(strchr(token, '.'))));
	free(token);
}

static void
decodes(const char *text, const char *wanted)
{
	size_t size = 0;
	unsigned char *bytes = base64url_decode(text, strlen(text), &size);

	if (wanted == NULL)
		assert_null(bytes);
	else
	{
		assert_non_null(bytes);
		assert_int_equal(size, strlen(wanted));
		assert_memory_equal(bytes, wanted, size);
	}
	free(bytes);
}

static void
decodes_base64url(void **state)
{
	(void) state;
	decodes("", "");
	decodes("YQ", "a");
	decodes("YWI", "ab");
	decodes("YWJj", "abc");
	decodes("YWJjZA", "abcd");
	decodes("-_-_", "\xfb\xff\xbf");
	decodes("+/+/", NULL);
	decodes("Y", NULL);
	decodes("YWJjZ", NULL);
	decodes("YR", NULL); /* stray bits */
	decodes("YWJ", NULL);
	decodes("YQ==", NULL);
	decodes("Y Q", NULL);
	decodes("YQ\n", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_token_apart),
		cmocka_unit_test(reads_headers_strictly),
		cmocka_unit_test(refuses_texts_that_are_no_token),
		cmocka_unit_test(decodes_base64url),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}

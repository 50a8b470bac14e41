/*-------------------------------------------------------------------------
 *
 * test_head_form.c
 *	  Tells well-formed heads of requests from malformed ones.
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

#include "transport/head_form.h"

#define REQUEST "GET / HTTP/1.1\r\n"

/* Reads bytes at once, and one by one: both must come to the same. */
static HeadForm
read_both_ways(const char *bytes, size_t count)
{
	HeadForm form = { 0 };
	HeadForm whole = { 0 };

	for (size_t i = 0; i < count; i++)
		head_form_read(&form, bytes + i, 1);
	head_form_read(&whole, bytes, count);
	assert_int_equal(form.place, whole.place);
	assert_memory_equal(form.counts, whole.counts, sizeof(form.counts));
	return form;
}

#define EXPECT(text, expected) assert_int_equal(read_both_ways(text, sizeof(text) - 1).place, expected)

static void
accepts_well_formed_heads(void **state)
{
	(void) state;
	EXPECT(REQUEST "\r\n", HEAD_COMPLETE);
	EXPECT(REQUEST "Host: x\r\nX-Empty:\r\nA!#$%&'*+-.^_`|~9:\t v\xff\x01 : \t\r\n\r\n", HEAD_COMPLETE);
	EXPECT("POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\n\0\r\n\n", HEAD_COMPLETE);
}

static void
waits_for_the_end(void **state)
{
	static const char head[] = REQUEST "Host: x\r\n\r\n";

	(void) state;
	assert_int_equal(read_both_ways("", 0).place, HEAD_BEGINS);
	for (size_t length = 1; length < sizeof(head) - 1; length++)
	{
		HeadPlace place = read_both_ways(head, length).place;

		assert_true(place > HEAD_BEGINS && place < HEAD_COMPLETE);
	}
}

static void
finds_malformed_heads(void **state)
{
	(void) state;
	EXPECT("\r\n" REQUEST, HEAD_MALFORMED);
	EXPECT(" " REQUEST, HEAD_MALFORMED);
	EXPECT("GET /\0 HTTP/1.1\r\n", HEAD_MALFORMED);
	EXPECT("GET / HTTP/1.1\n", HEAD_MALFORMED);
	EXPECT("GET / HTTP/1.1\r\r\n", HEAD_MALFORMED);
	EXPECT(REQUEST "X: a\0", HEAD_MALFORMED);
	EXPECT(REQUEST "X\0", HEAD_MALFORMED);
	EXPECT(REQUEST "X: a\rb", HEAD_MALFORMED);
	EXPECT(REQUEST "X: a\n", HEAD_MALFORMED);
	EXPECT(REQUEST "X: a\r\n b", HEAD_MALFORMED);
	EXPECT(REQUEST "X :", HEAD_MALFORMED);
	EXPECT(REQUEST "X\t:", HEAD_MALFORMED);
	EXPECT(REQUEST ":", HEAD_MALFORMED);
	EXPECT(REQUEST "X\r\n", HEAD_MALFORMED);
	EXPECT(REQUEST "\xc3:", HEAD_MALFORMED);
	EXPECT(REQUEST "\n", HEAD_MALFORMED);
	EXPECT(REQUEST "\rX", HEAD_MALFORMED);
}

static void
stays_malformed(void **state)
{
	(void) state;
	EXPECT(REQUEST "X :\r\n\r\n" REQUEST "\r\n", HEAD_MALFORMED);
}

static void
counts_headers_by_their_whole_names(void **state)
{
	static const char head[] = REQUEST "hOST: a\r\nX-Host: Host: a\r\nHosts: b\r\nHos: c\r\nContent-Length: 1\r\n"
									   "CONTENT-LENGTH: 1\r\nTransfer-Encoding-And-More-Of-It: x\r\n\r\nHost: x\r\n";
	HeadForm form = read_both_ways(head, sizeof(head) - 1);

	(void) state;
	assert_int_equal(form.place, HEAD_COMPLETE);
	assert_int_equal(form.counts[HEAD_HOST], 1);
	assert_int_equal(form.counts[HEAD_CONTENT_LENGTH], 2);
	assert_int_equal(form.counts[HEAD_TRANSFER_ENCODING], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_well_formed_heads),
		cmocka_unit_test(waits_for_the_end),
		cmocka_unit_test(finds_malformed_heads),
		cmocka_unit_test(stays_malformed),
		cmocka_unit_test(counts_headers_by_their_whole_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*-------------------------------------------------------------------------
 *
 * test_proxy_header.c
 *	  Reads headers of the PROXY protocol, whole, in pieces and malformed.
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

#include "transport/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) (const unsigned char *) (text), sizeof(text) - 1

static size_t header;
static NetworkAddress client;

static ProxyHeaderState
read_bytes(const unsigned char *bytes, size_t length)
{
	/* A copy of the exact size: the sanitizer notices a byte too many. */
	unsigned char *copy = malloc(length ? length : 1);
	ProxyHeaderState state;

	memcpy(copy, bytes, length);
	client = (NetworkAddress){ { 0 } };
	state = proxy_header_read(copy, length, &header, &client);
	free(copy);
	return state;
}

/* Expects a header of so many bytes that names this client; with any fewer bytes it is incomplete. */
static void
expect_client(const unsigned char *bytes, size_t length, size_t expected_header, const char *expected_client)
{
	char text[NETWORK_ADDRESS_TEXT];

	assert_int_equal(read_bytes(bytes, length), PROXY_HEADER_COMPLETE);
	assert_int_equal(header, expected_header);
	network_address_write(&client, text);
	assert_string_equal(text, expected_client);
	for (size_t i = 0; i < expected_header; i++)
		assert_int_equal(read_bytes(bytes, i), PROXY_HEADER_INCOMPLETE);
}

static void
test_reads_version_1(void **state)
{
	(void) state;
	expect_client(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n"), 45, "192.0.2.1");
	expect_client(BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"), 44, "2001:db8::1");
	expect_client(BYTES("PROXY UNKNOWN\r\n"), 15, "unknown");
	expect_client(BYTES("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), 59, "unknown");
}

static void
test_reads_version_2(void **state)
{
	(void) state;
	expect_client(BYTES(SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x10\x00\x01\xbbGET /"), 28, "192.0.2.1");
	expect_client(BYTES(SIGNATURE "\x21\x21\x00\x27"
								  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
								  "\x10\x00\x01\xbb\x04\x00\x00"),
				  55, "2001:db8::1");
	expect_client(BYTES(SIGNATURE "\x20\x00\x00\x00"), 16, "unknown");
	expect_client(BYTES(SIGNATURE "\x20\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x10\x00\x01\xbb"), 28, "unknown");
	expect_client(BYTES(SIGNATURE "\x21\x31\x00\x03"
								  "abc"),
				  19, "unknown");
}

static void
test_recognizes_other_bytes(void **state)
{
	(void) state;
	assert_int_equal(read_bytes(BYTES("GET / HTTP/1.1\r\n")), PROXY_HEADER_NONE);
	assert_int_equal(read_bytes(BYTES("POST")), PROXY_HEADER_NONE);
	assert_int_equal(read_bytes(BYTES("PROXYING / HTTP/1.1")), PROXY_HEADER_NONE);
	assert_int_equal(read_bytes(BYTES("\x16\x03\x01")), PROXY_HEADER_NONE);
	assert_int_equal(read_bytes(BYTES("\r\n\r\nGET")), PROXY_HEADER_NONE);
}

static void
test_rejects_malformed_lines(void **state)
{
	static const char *const wrong[] = {
		"PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n",
		"PROXY TCP4 ::1 ::2 1 2\r\n", "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 x 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n",
		"PROXY UNKNOWN 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\r\n"
	};

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
	{
		if (read_bytes((const unsigned char *) wrong[i], strlen(wrong[i])) != PROXY_HEADER_MALFORMED)
			fail_msg("%s", wrong[i]);
	}
}

static void
test_rejects_malformed_binary_headers(void **state)
{
	(void) state;
	assert_int_equal(read_bytes(BYTES(SIGNATURE "\x11\x11\x00\x0c")), PROXY_HEADER_MALFORMED); /* version 1 */
	assert_int_equal(read_bytes(BYTES(SIGNATURE "\x22\x11\x00\x0c")), PROXY_HEADER_MALFORMED); /* command 2 */
	assert_int_equal(read_bytes(BYTES(SIGNATURE "\x21\x11\x00\x0b")), PROXY_HEADER_MALFORMED); /* too short */
	assert_int_equal(read_bytes(BYTES(SIGNATURE "\x21\x21\x00\x23")), PROXY_HEADER_MALFORMED);
	assert_int_equal(read_bytes(BYTES(SIGNATURE "\x21\x11\xff\xff")), PROXY_HEADER_MALFORMED); /* too long */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_version_1),
		cmocka_unit_test(test_reads_version_2),
		cmocka_unit_test(test_recognizes_other_bytes),
		cmocka_unit_test(test_rejects_malformed_lines),
		cmocka_unit_test(test_rejects_malformed_binary_headers),
	};

	return cmocka_run_group_tests_name("proxy_header", tests, NULL, NULL);
}

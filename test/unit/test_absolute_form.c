/*-------------------------------------------------------------------------
 *
 * test_absolute_form.c
 *	  Rewrites requests in absolute form, and leaves all others alone.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "transport/absolute_form.h"

static char rewritten[ABSOLUTE_FORM_MAX];
static size_t head;
static size_t rewritten_length;

static AbsoluteForm
rewrite_bytes(const char *text, size_t length)
{
	/* A copy of the exact size: the sanitizer notices a byte too many. */
	char *copy = malloc(length ? length : 1);
	AbsoluteForm form;

	memcpy(copy, text, length);
	form = absolute_form_rewrite(copy, length, &head, rewritten, &rewritten_length);
	free(copy);
	return form;
}

/* Expects a head to be rewritten, with a body behind it; with any fewer bytes it is incomplete. */
static void
expect_rewritten(const char *text, const char *expected)
{
	size_t length = strlen(text);
	char *request = malloc(length + 5);

	strcpy(request, text);
	strcat(request, "body");
	assert_int_equal(rewrite_bytes(request, length + 4), ABSOLUTE_FORM_COMPLETE);
	assert_int_equal(head, length);
	assert_int_equal(rewritten_length, strlen(expected));
	assert_memory_equal(rewritten, expected, rewritten_length);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(rewrite_bytes(request, i), ABSOLUTE_FORM_INCOMPLETE);
	free(request);
}

static void
expect_none(const char *text)
{
	assert_int_equal(rewrite_bytes(text, strlen(text)), ABSOLUTE_FORM_NONE);
}

static void
test_rewrites_the_target(void **state)
{
	(void) state;
	expect_rewritten("GET http://a.example/x/y?z=1 HTTP/1.1\r\nHost: a.example\r\n\r\n",
					 "GET /x/y?z=1 HTTP/1.1\r\nHost: a.example\r\n\r\n");
	expect_rewritten("OPTIONS HTTPS://[::1]:80 HTTP/1.0\r\n\r\n", "OPTIONS / HTTP/1.0\r\n\r\n");
	expect_rewritten("POST http://a.example?z HTTP/1.1\r\n\r\n", "POST /?z HTTP/1.1\r\n\r\n");
}

static void
test_takes_the_host_from_the_target(void **state)
{
	(void) state;
	expect_rewritten("GET http://a.example:81/ HTTP/1.1\r\nX: 1\r\nhost:b.example\r\nY: Host: c\r\n\r\n",
					 "GET / HTTP/1.1\r\nX: 1\r\nHost: a.example:81\r\nY: Host: c\r\n\r\n");
	expect_rewritten("GET http://a/ HTTP/1.1\r\nHost: b\r\nHost: c\r\n\r\n",
					 "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n");
}

static void
test_leaves_other_requests_alone(void **state)
{
	(void) state;
	expect_none("GET / HTTP/1.1\r\n");
	expect_none("GET *");
	expect_none("GET hello");
	expect_none("GET ftp://a/");
	expect_none("PRI * HTTP/2.0\r\n");
	expect_none("get http://a/ HTTP/1.1\r\n\r\n");
	expect_none("AMETHODWITHMANYLETTERS");
	expect_none("\x16\x03\x01");
	assert_int_equal(rewrite_bytes("GET", 3), ABSOLUTE_FORM_INCOMPLETE);
	assert_int_equal(rewrite_bytes("GET ht", 6), ABSOLUTE_FORM_INCOMPLETE);
}

static void
test_rewrites_upgrades(void **state)
{
	(void) state;
	expect_rewritten("GET ws://a/ws?x=1 HTTP/1.1\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
					 "GET /ws?x=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	expect_rewritten("GET WSS://a HTTP/1.1\r\nupgrade: h2c\r\nHost: a\r\n\r\n",
					 "GET / HTTP/1.1\r\nupgrade: h2c\r\nHost: a\r\n\r\n");
}

static void
test_leaves_malformed_requests_alone(void **state)
{
	(void) state;
	expect_none("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_none("GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_none("GET http://a\t/ HTTP/1.1\r\nHost: a\r\n\r\n");
	expect_none("GET http://a/ HTTP/1.1\nHost: a\n\n");
	expect_none("GET http://a/ HTTP/1.1\r\nHost: a\n\r\n");
	assert_int_equal(rewrite_bytes("GET http://a\0b/ HTTP/1.1\r\n\r\n", 28), ABSOLUTE_FORM_NONE);
}

static void
test_bounds_the_head(void **state)
{
	static const char start[] = "GET http://a/ HTTP/1.1\r\nX: ";
	static char longest[ABSOLUTE_FORM_MAX];
	static char hosts[ABSOLUTE_FORM_MAX];
	size_t length;

	(void) state;
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, start, sizeof(start) - 1);
	assert_int_equal(rewrite_bytes(longest, sizeof(longest) - 1), ABSOLUTE_FORM_INCOMPLETE);
	assert_int_equal(rewrite_bytes(longest, sizeof(longest)), ABSOLUTE_FORM_NONE);

	length = (size_t) snprintf(hosts, sizeof(hosts), "GET http://%0200d/ HTTP/1.1\r\n", 0);
	for (int i = 0; i < 200; i++)
		length += (size_t) snprintf(hosts + length, sizeof(hosts) - length, "Host:\r\n");
	length += (size_t) snprintf(hosts + length, sizeof(hosts) - length, "\r\n");
	assert_int_equal(rewrite_bytes(hosts, length), ABSOLUTE_FORM_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rewrites_the_target),
		cmocka_unit_test(test_takes_the_host_from_the_target),
		cmocka_unit_test(test_leaves_other_requests_alone),
		cmocka_unit_test(test_rewrites_upgrades),
		cmocka_unit_test(test_leaves_malformed_requests_alone),
		cmocka_unit_test(test_bounds_the_head),
	};

	return cmocka_run_group_tests_name("absolute_form", tests, NULL, NULL);
}

/*-------------------------------------------------------------------------
 *
 * test_cookie.c
 *	  Reads cookies, and compares hosts with a list.
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

#include "base/cookie.h"
#include "base/origin.h"

/* Checks the value of the cookie "sid"; NULL: there is none. */
static void
expect(const char *header, const char *value)
{
	char *found = cookie_value(header, "sid");

	if (value == NULL)
		assert_null(found);
	else
		assert_string_equal(found, value);
	free(found);
}

static void
test_reads_value(void **state)
{
	(void) state;
	expect("sid=abc", "abc");
	expect("a=b; sid=abc; c=d", "abc");
	expect("a=b;sid=abc ;c=d", "abc");
	expect("sid=\"a b\"", "a b");
	expect("sid=a=b%3Ac.d", "a=b%3Ac.d");
	expect("sid=first; sid=second", "first");
}

static void
test_finds_no_other_cookie(void **state)
{
	(void) state;
	expect("", NULL);
	expect("; ;; ", NULL);
	expect("sid", NULL);
	expect("sid=", NULL);
	expect("sid=\"\"", NULL);
	expect("xsid=abc; sidx=abc; SID=abc; a=sid=abc", NULL);
	expect("sid=\xff", NULL);
}

static void
test_compares_hosts(void **state)
{
	static const char list[] = "app.example.com  localhost:8080 [::1]";

	(void) state;
	assert_true(host_list_is_valid(list));
	assert_false(host_list_is_valid("https://app.example.com"));
	assert_false(host_list_is_valid("*"));
	assert_true(host_list_has(list, "app.example.com"));
	assert_true(host_list_has(list, "App.Example.com:8443"));
	assert_true(host_list_has(list, "localhost:8080"));
	assert_true(host_list_has(list, "[::1]:80"));
	assert_false(host_list_has(list, "localhost"));
	assert_false(host_list_has(list, "localhost:80"));
	assert_false(host_list_has(list, "[::2]"));
	assert_false(host_list_has(list, "app.example.com.evil.example"));
	assert_false(host_list_has(list, "evil.example"));
	assert_false(host_list_has(list, ""));
	assert_false(host_list_has(list, ":80"));
	/* A dot at the end names the root of all names (RFC 3986, 3.2.2): the host is the same. */
	assert_true(host_list_has(list, "app.example.com."));
	assert_true(host_list_has(list, "APP.example.com.:8443"));
	assert_true(host_list_has(list, "localhost.:8080"));
	assert_true(host_list_has("app.example.com. localhost.:8080", "app.example.com"));
	assert_true(host_list_has("app.example.com. localhost.:8080", "localhost:8080"));
	assert_false(host_list_has(list, "localhost.:80"));
	assert_false(host_list_has(list, "app.example.com.."));
	assert_false(host_list_has(list, "."));
	assert_false(host_list_has(". ..", ""));
	assert_false(host_list_has(list, "[::1]."));
	assert_true(host_is_fixed("localhost.:80"));
	assert_true(host_is_fixed("127.0.0.1."));
	assert_false(host_is_fixed("localhost.."));
	assert_false(host_is_fixed("."));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_value),
		cmocka_unit_test(test_finds_no_other_cookie),
		cmocka_unit_test(test_compares_hosts),
	};

	return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}

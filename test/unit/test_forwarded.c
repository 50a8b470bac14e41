/*-------------------------------------------------------------------------
 *
 * test_forwarded.c
 *	  Finds clients behind proxies, and forged addresses in their headers.
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

#include "transport/forwarded.h"

#define TRUSTED "127.0.0.1 10.0.0.0/8 fd00::/8"

static void
expect(const char *peer, const char *x_forwarded_for, const char *forwarded, const char *client)
{
	NetworkAddress address;
	char text[NETWORK_ADDRESS_TEXT];

	assert_true(network_address_read(peer, strlen(peer), &address));
	address = forwarded_client(address, TRUSTED, &(ForwardedHeaders){ x_forwarded_for, forwarded });
	network_address_write(&address, text);
	if (strcmp(text, client) != 0)
		fail_msg("%s | %s | %s: %s, not %s", peer, x_forwarded_for, forwarded, text, client);
}

static void
test_believes_trusted_proxies_only(void **state)
{
	(void) state;
	expect("127.0.0.1", NULL, NULL, "127.0.0.1");
	expect("192.0.2.9", "198.51.100.1", "for=198.51.100.1", "192.0.2.9");
	expect("127.0.0.1", "198.51.100.1", NULL, "198.51.100.1");
	expect("127.0.0.1", NULL, "for=198.51.100.1", "198.51.100.1");
	expect("127.0.0.1", "198.51.100.1", "for=198.51.100.2", "198.51.100.1");
	expect("127.0.0.1", "", "for=198.51.100.2", "127.0.0.1");
}

static void
test_reads_lists_from_right(void **state)
{
	(void) state;
	expect("127.0.0.1", "6.6.6.6, 198.51.100.1", NULL, "198.51.100.1");
	expect("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.7", NULL, "198.51.100.1");
	expect("127.0.0.1", "6.6.6.6,198.51.100.1,10.0.0.7,\tfd00::1", NULL, "198.51.100.1");
	expect("127.0.0.1", "10.0.0.1, 10.0.0.2", NULL, "10.0.0.1");
	expect("127.0.0.1", NULL, "for=6.6.6.6, for=198.51.100.1;proto=https, For=\"10.0.0.7:81\"", "198.51.100.1");
}

static void
test_stops_at_malformed_entries(void **state)
{
	(void) state;
	expect("127.0.0.1", "198.51.100.1, unknown", NULL, "127.0.0.1");
	expect("127.0.0.1", "6.6.6.6, nonsense, 10.0.0.7", NULL, "10.0.0.7");
	expect("127.0.0.1", "6.6.6.6,", NULL, "127.0.0.1");
	expect("127.0.0.1", NULL, "for=6.6.6.6, for=_hidden", "127.0.0.1");
	expect("127.0.0.1", NULL, "for=6.6.6.6, proto=https", "127.0.0.1");
	expect("127.0.0.1", NULL, "for=6.6.6.6, for", "127.0.0.1");
	expect("127.0.0.1", NULL, "for=6.6.6.6;for=198.51.100.1", "127.0.0.1");
	expect("127.0.0.1", NULL, "for=", "127.0.0.1");
	expect("127.0.0.1", NULL, "for=\"", "127.0.0.1");
}

/* Nothing that a client sends, in the part in front or in the parameters, takes the place of the proxy's entry. */
static void
test_survives_quotes_of_clients(void **state)
{
	(void) state;
	expect("127.0.0.1", NULL, "for=\"6.6.6.6, for=198.51.100.1", "198.51.100.1");
	expect("127.0.0.1", NULL, "for=198.51.100.1;host=\"x, for=6.6.6.6\"", "127.0.0.1");
	expect("127.0.0.1", NULL, "for=198.51.100.1;host=\"x, for=6.6.6.6;a=\\\"b\"", "127.0.0.1");
	expect("127.0.0.1", NULL, "for=198.51.100.1;host=\"x, for=6.6.6.6;a=b\"", "127.0.0.1");
}

static void
test_reads_ports_and_brackets(void **state)
{
	(void) state;
	expect("127.0.0.1", "198.51.100.1:5678", NULL, "198.51.100.1");
	expect("127.0.0.1", "2001:db8::1", NULL, "2001:db8::1");
	expect("127.0.0.1", "[2001:db8::1]", NULL, "2001:db8::1");
	expect("127.0.0.1", "[2001:db8::1]:5678", NULL, "2001:db8::1");
	expect("127.0.0.1", "[2001:db8::1", NULL, "127.0.0.1");
	expect("127.0.0.1", "[2001:db8::1]x", NULL, "127.0.0.1");
	expect("127.0.0.1", NULL, "for=\"[2001:db8::1]:5678\"", "2001:db8::1");
	expect("::ffff:10.1.1.1", "::ffff:198.51.100.1", NULL, "198.51.100.1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_believes_trusted_proxies_only),
		cmocka_unit_test(test_reads_lists_from_right),
		cmocka_unit_test(test_stops_at_malformed_entries),
		cmocka_unit_test(test_survives_quotes_of_clients),
		cmocka_unit_test(test_reads_ports_and_brackets),
	};

	return cmocka_run_group_tests_name("forwarded", tests, NULL, NULL);
}

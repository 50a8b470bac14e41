/*-------------------------------------------------------------------------
 *
 * test_network_address.c
 *	  Reads and writes network addresses, and finds them in lists of networks.
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

#include "base/network_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static NetworkAddress
address_of(const char *text)
{
	NetworkAddress address;

	if (!network_address_read(text, strlen(text), &address))
		fail_msg("%s", text);
	return address;
}

static bool
has(const char *list, const char *text)
{
	NetworkAddress address = address_of(text);

	return network_list_has(list, &address);
}

static void
test_writes_what_it_reads(void **state)
{
	static const char *const same[] = { "192.0.2.1", "0.0.0.0", "255.255.255.255", "::1", "2001:db8::1", "fe80::1:2:3:4" };
	char text[NETWORK_ADDRESS_TEXT];
	NetworkAddress address;

	(void) state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++)
	{
		address = address_of(same[i]);
		network_address_write(&address, text);
		assert_string_equal(text, same[i]);
	}
	address = address_of("::ffff:192.0.2.1");
	network_address_write(&address, text);
	assert_string_equal(text, "192.0.2.1");
}

static void
test_rejects_other_texts(void **state)
{
	static const char *const wrong[] = { "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "host", "::1%lo", "[::1]", ":::", "1.2.3.4:80",
										 "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	NetworkAddress address;

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
	{
		if (network_address_read(wrong[i], strlen(wrong[i]), &address))
			fail_msg("%s", wrong[i]);
	}
	assert_false(network_address_read("1.2.3.4\0", 8, &address));
}

static void
test_reads_sockets(void **state)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr other = { .sa_family = AF_UNIX };
	char text[NETWORK_ADDRESS_TEXT];
	NetworkAddress address = network_address_of_socket((struct sockaddr *) &four);

	(void) state;
	network_address_write(&address, text);
	assert_string_equal(text, "10.0.0.1");
	address = network_address_of_socket((struct sockaddr *) &six);
	network_address_write(&address, text);
	assert_string_equal(text, "::1");
	address = network_address_of_socket(&other);
	network_address_write(&address, text);
	assert_string_equal(text, "unknown");
}

static void
test_finds_networks_of_owners(void **state)
{
	static const char *const pairs[][2] = { { "192.0.2.1", "192.0.2.1" }, { "2001:db8::1:2:3:4", "2001:db8::" }, { "2001:db8:0:1:ffff::1", "2001:db8:0:1::" }, { "::1", "unknown" } };

	(void) state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
	{
		char text[NETWORK_ADDRESS_TEXT];
		NetworkAddress owner = network_address_of_owner(address_of(pairs[i][0]));

		network_address_write(&owner, text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void
test_finds_addresses_in_networks(void **state)
{
	(void) state;
	assert_true(has("10.0.0.0/8", "10.255.0.1"));
	assert_false(has("10.0.0.0/8", "11.0.0.1"));
	assert_true(has("192.168.1.128/25", "192.168.1.200"));
	assert_false(has("192.168.1.128/25", "192.168.1.127"));
	assert_true(has("127.0.0.1", "127.0.0.1"));
	assert_false(has("127.0.0.1", "127.0.0.2"));
	assert_true(has("::1 fd00::/8", "fdab::1"));
	assert_false(has("::1 fd00::/8", "fe00::1"));
	assert_true(has("0.0.0.0/0", "1.2.3.4"));
	assert_false(has("0.0.0.0/0", "::1"));
	assert_true(has("::/0", "1.2.3.4"));
	assert_true(has("::ffff:10.0.0.0/104", "10.1.1.1"));
	assert_false(has("", "127.0.0.1"));
}

static void
test_checks_lists(void **state)
{
	(void) state;
	assert_true(network_list_is_valid(""));
	assert_true(network_list_is_valid(" 10.0.0.0/8  ::1 "));
	assert_false(network_list_is_valid("10.0.0.0/8 here"));
	assert_false(network_list_is_valid("10.0.0.0/8,::1"));
	assert_false(network_list_is_valid("10.0.0.0/-1"));
	assert_false(network_list_is_valid("10.0.0.0/0032"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes_what_it_reads),
		cmocka_unit_test(test_rejects_other_texts),
		cmocka_unit_test(test_reads_sockets),
		cmocka_unit_test(test_finds_networks_of_owners),
		cmocka_unit_test(test_finds_addresses_in_networks),
		cmocka_unit_test(test_checks_lists),
	};

	return cmocka_run_group_tests_name("network_address", tests, NULL, NULL);
}

/*-------------------------------------------------------------------------
 *
 * network_address.c
 *	  Reads, writes and compares addresses of IPv4 and IPv6, and lists of networks.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/network_address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* The first bits of all addresses of IPv4 here. */
#define MAPPED_BITS 96

typedef struct Network
{
	NetworkAddress address;
	unsigned int bits; /* that all its addresses have in common */
} Network;

NetworkAddress
network_address_of_bytes(const unsigned char *bytes, size_t length)
{
	NetworkAddress address = { { 0 } };

	assert(length == 4 || length == 16);
	if (length == 4)
		memset(address.bytes + 10, 0xff, 2);
	memcpy(address.bytes + 16 - length, bytes, length);
	return address;
}

bool
network_address_read(const char *text, size_t length, NetworkAddress *address)
{
	char copy[NETWORK_ADDRESS_TEXT];
	unsigned char bytes[16];

	if (length >= sizeof(copy) || memchr(text, '\0', length) != NULL)
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (inet_pton(AF_INET, copy, bytes) == 1)
		*address = network_address_of_bytes(bytes, 4);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		*address = network_address_of_bytes(bytes, 16);
	else
		return false;
	return true;
}

NetworkAddress
network_address_of_socket(const struct sockaddr *socket)
{
	if (socket->sa_family == AF_INET)
		return network_address_of_bytes((const unsigned char *) &((const struct sockaddr_in *) socket)->sin_addr, 4);
	if (socket->sa_family == AF_INET6)
		return network_address_of_bytes(((const struct sockaddr_in6 *) socket)->sin6_addr.s6_addr, 16);
	return (NetworkAddress){ { 0 } };
}

void
network_address_write(const NetworkAddress *address, char text[NETWORK_ADDRESS_TEXT])
{
	static const NetworkAddress unknown;
	struct in6_addr six;

	memcpy(six.s6_addr, address->bytes, sizeof(six.s6_addr));
	if (memcmp(address, &unknown, sizeof(unknown)) == 0)
		strcpy(text, "unknown");
	else if (IN6_IS_ADDR_V4MAPPED(&six))
		inet_ntop(AF_INET, address->bytes + 12, text, NETWORK_ADDRESS_TEXT);
	else
		inet_ntop(AF_INET6, address->bytes, text, NETWORK_ADDRESS_TEXT);
}

NetworkAddress
network_address_of_owner(NetworkAddress address)
{
	struct in6_addr six;

	memcpy(&six, address.bytes, sizeof(six));
	if (!IN6_IS_ADDR_V4MAPPED(&six))
		memset(address.bytes + 8, 0, 8);
	return address;
}

/* Reads "ADDRESS" or "ADDRESS/BITS" of "length" characters. */
static bool
read_network(const char *text, size_t length, Network *network)
{
	const char *slash = memchr(text, '/', length);
	size_t address = slash ? (size_t) (slash - text) : length;
	unsigned int most = memchr(text, ':', address) != NULL ? 128 : 32;
	unsigned int bits = 0;

	if (!network_address_read(text, address, &network->address))
		return false;
	network->bits = 128;
	if (slash == NULL)
		return true;
	if (slash + 1 == text + length || text + length - slash > 4)
		return false;
	for (const char *digit = slash + 1; digit < text + length; digit++)
	{
		if (*digit < '0' || *digit > '9')
			return false;
		bits = bits * 10 + (unsigned int) (*digit - '0');
	}
	network->bits = most == 32 ? MAPPED_BITS + bits : bits;
	return bits <= most;
}

/* Takes the next network off a list; false: there is none, or the text is none. */
static bool
next_network(const char **list, Network *network)
{
	size_t length;

	*list += strspn(*list, " ");
	length = strcspn(*list, " ");
	if (length == 0 || !read_network(*list, length, network))
		return false;
	*list += length;
	return true;
}

bool
network_list_is_valid(const char *list)
{
	Network network;

	while (next_network(&list, &network))
		;
	return *list == '\0';
}

static bool
is_in_network(const Network *network, const NetworkAddress *address)
{
	unsigned int whole = network->bits / 8;
	unsigned int mask = 0xff00u >> network->bits % 8;

	if (memcmp(network->address.bytes, address->bytes, whole) != 0)
		return false;
	return whole == 16 || ((network->address.bytes[whole] ^ address->bytes[whole]) & mask & 0xff) == 0;
}

bool
network_list_has(const char *list, const NetworkAddress *address)
{
	Network network;

	while (next_network(&list, &network))
	{
		if (is_in_network(&network, address))
			return true;
	}
	return false;
}

/*-------------------------------------------------------------------------
 *
 * network_address.h
 *	  Reads, writes and compares addresses of IPv4 and IPv6, and lists of networks.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NETWORK_ADDRESS_H
#define HERALD_NETWORK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Size of the longest address as text, in bytes. */
#define NETWORK_ADDRESS_TEXT 48

/* An address of IPv6, or one of IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).  All bytes zero: unknown. */
typedef struct NetworkAddress
{
	unsigned char bytes[16];
} NetworkAddress;

/* Reads an address of "length" characters, without a port or a zone.  Returns false if the text is none. */
extern bool network_address_read(const char *text, size_t length, NetworkAddress *address);

/* Returns the address of a socket; unknown if its family is not that of IPv4 or IPv6. */
extern NetworkAddress network_address_of_socket(const struct sockaddr *socket);

/* Returns an address from the 4 bytes of IPv4 or the 16 of IPv6. */
extern NetworkAddress network_address_of_bytes(const unsigned char *bytes, size_t length);

/* Writes an address as text: 192.0.2.1 or 2001:db8::1; "unknown" for an unknown one. */
extern void network_address_write(const NetworkAddress *address, char text[NETWORK_ADDRESS_TEXT]);

/* Returns the network that one client may own, under which its address counts: of IPv6 the first 64 bits. */
extern NetworkAddress network_address_of_owner(NetworkAddress address);

/* Returns whether each part of a list, which blanks separate, is an address or a network: 10.0.0.0/8, ::1. */
extern bool network_list_is_valid(const char *list);

/* Returns whether an address is in one of the networks of a valid list. */
extern bool network_list_has(const char *list, const NetworkAddress *address);

#endif /* HERALD_NETWORK_ADDRESS_H */

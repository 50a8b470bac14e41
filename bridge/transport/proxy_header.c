/*-------------------------------------------------------------------------
 *
 * proxy_header.c
 *	  Reads the header that a proxy sends in front of a connection (PROXY protocol, versions 1 and 2).
 *
 * Specification: "The PROXY protocol, Versions 1 & 2" of HAProxy (proxy-protocol.txt).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/proxy_header.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Bytes of the longest header of version 1, with its end of line. */
#define MAX_LINE 107

#define SIGNATURE_LENGTH 12
#define FIXED_LENGTH 16

/* The second half of byte 13 of version 2 (the command), and byte 14 (family and transport). */
#define COMMAND_LOCAL 0
#define COMMAND_PROXY 1
#define TCP_OVER_IPV4 0x11
#define TCP_OVER_IPV6 0x21

static const unsigned char signature[] = "\r\n\r\n\0\r\nQUIT\n";
static const char line_start[] = "PROXY ";

/* Returns whether the bytes, as far as they are there, are those of a prefix. */
static bool
may_start_with(const unsigned char *bytes, size_t length, const void *prefix, size_t prefix_length)
{
	return memcmp(bytes, prefix, length < prefix_length ? length : prefix_length) == 0;
}

/* Takes the next word off a line, up to the next blank or the end; returns its length. */
static size_t
next_word(const char **at, const char *end, const char **word)
{
	const char *blank = memchr(*at, ' ', (size_t) (end - *at));

	*word = *at;
	*at = blank ? blank + 1 : end;
	return (size_t) ((blank ? blank : end) - *word);
}

static bool
is_decimal_port(const char *text, size_t length)
{
	unsigned int port = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned int) (text[i] - '0');
	}
	return length > 0 && length <= 5 && port <= 65535;
}

/* Reads "TCP4 SOURCE DESTINATION PORT PORT" or "UNKNOWN ...", between the first word and the end of the line. */
static bool
read_line(const char *at, const char *end, NetworkAddress *client)
{
	const char *words[5];
	size_t lengths[5];
	NetworkAddress source;
	NetworkAddress destination;
	bool six;

	for (int i = 0; i < 5; i++)
		lengths[i] = next_word(&at, end, &words[i]);
	if (lengths[0] == 7 && memcmp(words[0], "UNKNOWN", 7) == 0)
		return true;
	six = lengths[0] == 4 && memcmp(words[0], "TCP6", 4) == 0;
	if (!six && (lengths[0] != 4 || memcmp(words[0], "TCP4", 4) != 0))
		return false;
	if (at != end || (memchr(words[1], ':', lengths[1]) != NULL) != six ||
		!network_address_read(words[1], lengths[1], &source) ||
		!network_address_read(words[2], lengths[2], &destination) ||
		!is_decimal_port(words[3], lengths[3]) || !is_decimal_port(words[4], lengths[4]))
		return false;
	*client = source;
	return true;
}

static ProxyHeaderState
read_version_1(const unsigned char *bytes, size_t length, size_t *header, NetworkAddress *client)
{
	const char *text = (const char *) bytes;
	const char *line_end = memchr(text, '\n', length < MAX_LINE ? length : MAX_LINE);

	if (line_end == NULL)
		return length < MAX_LINE ? PROXY_HEADER_INCOMPLETE : PROXY_HEADER_MALFORMED;
	*header = (size_t) (line_end + 1 - text);
	if (line_end[-1] != '\r' || !read_line(text + sizeof(line_start) - 1, line_end - 1, client))
		return PROXY_HEADER_MALFORMED;
	return PROXY_HEADER_COMPLETE;
}

static ProxyHeaderState
read_version_2(const unsigned char *bytes, size_t length, size_t *header, NetworkAddress *client)
{
	unsigned int rest;
	unsigned int command;
	unsigned int address;

	if (length < FIXED_LENGTH)
		return PROXY_HEADER_INCOMPLETE;
	rest = (unsigned int) bytes[14] << 8 | bytes[15];
	command = bytes[12] & 0x0f;
	address = bytes[13] == TCP_OVER_IPV4 ? 4 : bytes[13] == TCP_OVER_IPV6 ? 16 :
																			0;
	*header = FIXED_LENGTH + rest;
	if (bytes[12] >> 4 != 2 || command > COMMAND_PROXY || *header > PROXY_HEADER_MAX ||
		rest < 2 * address + (address ? 4 : 0))
		return PROXY_HEADER_MALFORMED;
	if (length < *header)
		return PROXY_HEADER_INCOMPLETE;
	if (command != COMMAND_LOCAL && address > 0)
		*client = network_address_of_bytes(bytes + FIXED_LENGTH, address);
	return PROXY_HEADER_COMPLETE;
}

ProxyHeaderState
proxy_header_read(const unsigned char *bytes, size_t length, size_t *header, NetworkAddress *client)
{
	assert(bytes != NULL && header != NULL && client != NULL);
	if (length == 0)
		return PROXY_HEADER_INCOMPLETE;
	if (may_start_with(bytes, length, signature, SIGNATURE_LENGTH))
		return length < SIGNATURE_LENGTH ? PROXY_HEADER_INCOMPLETE : read_version_2(bytes, length, header, client);
	if (!may_start_with(bytes, length, line_start, sizeof(line_start) - 1))
		return PROXY_HEADER_NONE;
	return read_version_1(bytes, length, header, client);
}

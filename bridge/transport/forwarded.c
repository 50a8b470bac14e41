/*-------------------------------------------------------------------------
 *
 * forwarded.c
 *	  Finds the address of a client behind proxies, by the headers X-Forwarded-For and Forwarded.
 *
 * A header grows at its end: what stands in front of the entry of the first trusted proxy may be forged.  Lists are
 * therefore read from the right, and split at every comma: a quote that a client opens cannot hide a proxy's entry.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/forwarded.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A part of a header. */
typedef struct Part
{
	const char *start;
	const char *end;
} Part;

typedef bool (*ReadEntry)(Part entry, NetworkAddress *address);

static Part
trim_part(Part part)
{
	while (part.start < part.end && (*part.start == ' ' || *part.start == '\t'))
		part.start++;
	while (part.start < part.end && (part.end[-1] == ' ' || part.end[-1] == '\t'))
		part.end--;
	return part;
}

/* Takes the last entry off a list. */
static Part
take_last(Part *list)
{
	const char *comma = memrchr(list->start, ',', (size_t) (list->end - list->start));
	Part entry = { comma ? comma + 1 : list->start, list->end };

	list->end = comma ? comma : list->start;
	return trim_part(entry);
}

/* Reads an address with or without a port: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1]:80. */
static bool
read_node(Part node, NetworkAddress *address)
{
	const char *colon = memchr(node.start, ':', (size_t) (node.end - node.start));

	if (node.start < node.end && *node.start == '[')
	{
		const char *bracket = memchr(node.start, ']', (size_t) (node.end - node.start));

		if (bracket == NULL || (bracket + 1 != node.end && bracket[1] != ':'))
			return false;
		node = (Part){ node.start + 1, bracket };
	}
	else if (colon != NULL && memchr(colon + 1, ':', (size_t) (node.end - colon - 1)) == NULL)
		node.end = colon;
	return network_address_read(node.start, (size_t) (node.end - node.start), address);
}

/* Returns the value of a pair of Forwarded without its quotes; false: it is neither a token nor a simple text. */
static bool
read_value(Part *value)
{
	bool quoted = value->end - value->start >= 2 && *value->start == '"' && value->end[-1] == '"';

	if (quoted)
		*value = (Part){ value->start + 1, value->end - 1 };
	for (const char *c = value->start; c < value->end; c++)
	{
		if (!isgraph((unsigned char) *c) || *c == '"' || *c == '\\')
			return false;
	}
	return value->start < value->end;
}

/* Reads "for=NODE;by=...": false if there is no "for", or anything is not as RFC 7239 says. */
static bool
read_element(Part element, NetworkAddress *address)
{
	bool found = false;

	while (element.start < element.end)
	{
		const char *semicolon = memchr(element.start, ';', (size_t) (element.end - element.start));
		Part pair = trim_part((Part){ element.start, semicolon ? semicolon : element.end });
		const char *equals = memchr(pair.start, '=', (size_t) (pair.end - pair.start));
		Part value = { equals ? equals + 1 : pair.end, pair.end };
		bool names_client = equals != NULL && equals - pair.start == 3 && strncasecmp(pair.start, "for", 3) == 0;

		if (equals == NULL || !read_value(&value) || (names_client && (found || !read_node(value, address))))
			return false;
		found = found || names_client;
		element.start = semicolon ? semicolon + 1 : element.end;
	}
	return found;
}

NetworkAddress
forwarded_client(NetworkAddress peer, const char *trusted, const ForwardedHeaders *headers)
{
	const char *header = headers->x_forwarded_for ? headers->x_forwarded_for : headers->forwarded;
	ReadEntry read_entry = headers->x_forwarded_for ? read_node : read_element;
	Part list = { header, header ? header + strlen(header) : header };
	NetworkAddress entry;

	while (list.start < list.end && network_list_has(trusted, &peer) && read_entry(take_last(&list), &entry))
		peer = entry;
	return peer;
}

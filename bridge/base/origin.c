/*-------------------------------------------------------------------------
 *
 * origin.c
 *	  Checks web origins and hosts by the settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/origin.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/network_address.h"

/* Returns the length of a scheme with its "://"; 0: there is none. */
static size_t
scheme_length(const char *text, size_t length)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");

	return scheme > 0 && scheme + 3 <= length && strncmp(text + scheme, "://", 3) == 0 ? scheme + 3 : 0;
}

/* Returns whether the origin has a host, which only other schemes than HTTP's may lack, and no default port. */
static bool
has_valid_host(const char *text, size_t length, size_t scheme)
{
	bool secure = strncmp(text, "https://", 8) == 0;
	const char *default_port = secure ? ":443" : ":80";
	size_t port = strlen(default_port);

	if (!secure && strncmp(text, "http://", 7) != 0)
		return true;
	return length > scheme && text[scheme] != ':' && strncmp(text + length - port, default_port, port) != 0;
}

/*
 * Returns whether a browser can send this text as the Origin of a page: printable ASCII in lower case, no path, no
 * default port.  Applications with pages of their own have schemes of their own: capacitor://localhost.
 */
static bool
is_origin(const char *text, size_t length)
{
	size_t scheme = scheme_length(text, length);

	if ((length == 1 && text[0] == '*') || (length == 4 && strncmp(text, "null", 4) == 0))
		return true;
	if (scheme == 0 || !has_valid_host(text, length, scheme))
		return false;
	for (size_t i = scheme; i < length; i++)
	{
		if (strchr("/?#@\"'", text[i]) != NULL || !isgraph((unsigned char) text[i]) || isupper((unsigned char) text[i]))
			return false;
	}
	return true;
}

bool
origin_list_is_valid(const char *text)
{
	while (*(text += strspn(text, " ")) != '\0')
	{
		size_t length = strcspn(text, " ");

		if (!is_origin(text, length))
			return false;
		text += length;
	}
	return true;
}

bool
origin_list_has(const char *list, const char *origin)
{
	while (*(list += strspn(list, " ")) != '\0')
	{
		size_t length = strcspn(list, " ");

		if ((length == 1 && *list == '*') || (strlen(origin) == length && strncmp(list, origin, length) == 0))
			return true;
		list += length;
	}
	return false;
}

bool
host_list_is_valid(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[] ")] == '\0';
}

/* Returns the length of a host without its port; an address of IPv6 has brackets (RFC 3986, 3.2.2). */
static size_t
name_length(const char *host, size_t length)
{
	const char *bracket = memchr(host, ']', length);
	const char *colon = memchr(bracket ? bracket : host, ':', length - (size_t) (bracket ? bracket - host : 0));

	return colon ? (size_t) (colon - host) : length;
}

/* Returns the length of a host's name without the dot at its end, which changes nothing (RFC 3986, 3.2.2). */
static size_t
undotted_length(const char *name, size_t length)
{
	bool dotted = length > 1 && name[length - 1] == '.' && memchr(name, ']', length) == NULL;

	return dotted ? length - 1 : length;
}

/* Returns whether a host has the name of an entry of a list, and its port, if the entry has one. */
static bool
is_entry(const char *entry, size_t length, const char *host)
{
	size_t name = name_length(entry, length);
	size_t host_name = name_length(host, strlen(host));
	size_t compared = undotted_length(entry, name);
	const char *port = host + host_name;
	bool fits = name == length || (strlen(port) == length - name && memcmp(entry + name, port, length - name) == 0);

	return fits && compared == undotted_length(host, host_name) && strncasecmp(entry, host, compared) == 0;
}

bool
host_list_has(const char *list, const char *host)
{
	while (*(list += strspn(list, " ")) != '\0')
	{
		size_t length = strcspn(list, " ");

		if (is_entry(list, length, host))
			return true;
		list += length;
	}
	return false;
}

bool
host_is_fixed(const char *host)
{
	size_t length = undotted_length(host, name_length(host, strlen(host)));
	bool bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
	NetworkAddress address;

	if (length == strlen("localhost") && strncasecmp(host, "localhost", length) == 0)
		return true;
	if (bracketed)
		return network_address_read(host + 1, length - 2, &address);
	return memchr(host, ':', length) == NULL && network_address_read(host, length, &address);
}

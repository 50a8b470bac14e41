/*-------------------------------------------------------------------------
 *
 * host.c
 *	  Looks for the Host and the Origin of a request in the lists of the settings, and compares with a slower search.
 *
 * The first line is the list, the second the header.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <strings.h>

#include "base/origin.h"
#include "fuzz.h"

/* Returns whether a text is a colon and a port, or empty. */
static bool
is_port(const char *text)
{
	return *text == '\0' || *text == ':';
}

/* Takes the dot at the end of a host's name off; an address in brackets has none. */
static char *
without_dot(char *host)
{
	char *end = host + strcspn(host, ":");

	if (strchr(host, ']') == NULL && end - host > 1 && end[-1] == '.')
		memmove(end - 1, end, strlen(end) + 1);
	return host;
}

/* Returns whether a host that the list has is one of its entries, with any port behind it if the entry has none. */
static bool
is_listed_host(const char *list, const char *host)
{
	char *copy = memory_copy(list);
	char *name = without_dot(memory_copy(host));
	char *rest = copy;
	char *entry;
	bool found = false;

	while ((entry = strsep(&rest, " ")) != NULL)
	{
		size_t length = strlen(without_dot(entry));

		found = found || (length > 0 && strncasecmp(entry, name, length) == 0 && is_port(name + length));
	}
	free(copy);
	free(name);
	return found;
}

static bool
is_listed_origin(const char *list, const char *origin)
{
	char *copy = memory_copy(list);
	char *rest = copy;
	const char *entry;
	bool found = false;

	while ((entry = strsep(&rest, " ")) != NULL)
		found = found || (*entry != '\0' && (strcmp(entry, origin) == 0 || strcmp(entry, "*") == 0));
	free(copy);
	return found;
}

/* Requires that any port may follow an entry without one. */
static void
try_port(const char *list, const char *host)
{
	char *with_port = memory_format("%s:8443", host);

	if (strpbrk(host, ":[]") == NULL && host_list_has(list, host))
		REQUIRE(host_list_has(list, with_port));
	free(with_port);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	char *rest = text;
	const char *list = strsep(&rest, "\n");
	const char *header = rest ? rest : "";

	if (host_list_is_valid(list))
	{
		REQUIRE(!host_list_has(list, header) || is_listed_host(list, header));
		try_port(list, header);
	}
	if (origin_list_is_valid(list))
	{
		REQUIRE(origin_list_has(list, header) == is_listed_origin(list, header));
	}
	free(text);
	return 0;
}

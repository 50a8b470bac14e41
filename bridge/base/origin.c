/*-------------------------------------------------------------------------
 *
 * origin.c
 *	  Checks the web origins of the settings.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/origin.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Returns whether a browser can send this text as the Origin of a page: lower case, no path, no default port. */
static bool
is_origin(const char *text, size_t length)
{
	bool secure = length > 8 && strncmp(text, "https://", 8) == 0;
	size_t scheme = secure ? 8 : length > 7 && strncmp(text, "http://", 7) == 0 ? 7 :
																				  0;
	const char *default_port = secure ? ":443" : ":80";
	size_t port = strlen(default_port);

	if ((length == 1 && text[0] == '*') || (length == 4 && strncmp(text, "null", 4) == 0))
		return true;
	if (scheme == 0 || strncmp(text + length - port, default_port, port) == 0)
		return false;
	for (size_t i = scheme; i < length; i++)
	{
		if (strchr("/?#@\"'", text[i]) != NULL || isupper((unsigned char) text[i]))
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

/*-------------------------------------------------------------------------
 *
 * cookie.c
 *	  Reads cookies.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/cookie.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* Returns a copy of a value without blanks at its end and without quotes; NULL if nothing is left. */
static char *
copy_value(const char *value, size_t length)
{
	while (length > 0 && strchr(" \t", value[length - 1]) != NULL)
		length--;
	if (length >= 2 && value[0] == '"' && value[length - 1] == '"')
	{
		value++;
		length -= 2;
	}
	return length > 0 && utf8_is_valid(value, length) ? memory_copy_bytes(value, length) : NULL;
}

char *
cookie_value(const char *header, const char *name)
{
	size_t name_length = strlen(name);

	while (*(header += strspn(header, "; \t")) != '\0')
	{
		size_t length = strcspn(header, ";");

		if (length > name_length && header[name_length] == '=' && strncmp(header, name, name_length) == 0)
			return copy_value(header + name_length + 1, length - name_length - 1);
		header += length;
	}
	return NULL;
}

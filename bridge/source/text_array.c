/*-------------------------------------------------------------------------
 *
 * text_array.c
 *	  Writes texts as an array of PostgreSQL.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/text_array.h"

#include <string.h>

#include "base/memory.h"

static char *
write_quoted(char *out, const char *text)
{
	*out++ = '"';
	for (; *text; text++)
	{
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text;
	}
	*out++ = '"';
	return out;
}

char *
text_array_write(const char *const *texts, int count)
{
	size_t length = 3;
	char *array;
	char *out;

	for (int i = 0; i < count; i++)
		length += texts[i] ? 2 * strlen(texts[i]) + 3 : strlen("NULL,");
	array = out = memory_new(length);
	*out++ = '{';
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			*out++ = ',';
		out = texts[i] ? write_quoted(out, texts[i]) : stpcpy(out, "NULL");
	}
	strcpy(out, "}");
	return array;
}

/*-------------------------------------------------------------------------
 *
 * memory.c
 *	  Allocation that aborts when memory is out.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *memory)
{
	if (memory == NULL)
	{
		fputs("herald-bridge: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *
memory_new(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *
memory_resize(void *old, size_t size)
{
	return checked(realloc(old, size ? size : 1));
}

char *
memory_copy(const char *text)
{
	return text ? checked(strdup(text)) : NULL;
}

char *
memory_copy_bytes(const void *bytes, size_t length)
{
	char *copy = memory_new(length + 1);

	memcpy(copy, bytes, length);
	return copy;
}

char *
memory_format(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return checked(length < 0 ? NULL : text);
}

/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Small pieces of JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/utf8.h"

char *
json_quoted(const char *text)
{
	json_t *string = json_string(text ? text : "");
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : memory_copy("\"\"");

	json_decref(string);
	return quoted;
}

/* Integers beyond 64 bits become floating-point numbers, as in JavaScript. */
static json_t *
load(const char *text, size_t length, size_t flags, json_error_t *error)
{
	json_t *value = json_loadb(text, length, flags, error);

	return value ? value : json_loadb(text, length, flags | JSON_DECODE_INT_AS_REAL, error);
}

json_t *
json_read(const char *text)
{
	json_error_t error;
	json_t *value = load(text, strlen(text), JSON_ALLOW_NUL, &error);

	if (value == NULL)
		log_warning("json_not_read", "reason", error.text);
	return value;
}

/* An escape in JSON has four hexadecimal digits behind a backslash and a "u". */
#define ESCAPE_LENGTH 6

/* Returns the code of the escape at the beginning of a text; -1: there is none. */
static long
escape_code(const char *text, size_t length)
{
	char digits[5] = "";

	if (length < ESCAPE_LENGTH || text[0] != '\\' || text[1] != 'u')
		return -1;
	memcpy(digits, text + 2, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

static bool
is_between(long code, long first, long last)
{
	return code >= first && code <= last;
}

/* Returns the length of what begins with a backslash: an escape, a pair of them, or two characters. */
static size_t
escape_length(const char *text, size_t length)
{
	long code = escape_code(text, length);

	if (code < 0)
		return length < 2 ? length : 2;
	if (is_between(code, 0xD800, 0xDBFF) &&
		is_between(escape_code(text + ESCAPE_LENGTH, length - ESCAPE_LENGTH), 0xDC00, 0xDFFF))
		return (size_t) ESCAPE_LENGTH * 2;
	return ESCAPE_LENGTH;
}

/* Replaces the escapes that PostgreSQL cannot store; returns whether there were none. */
static bool
replace_escapes(char *text, size_t length)
{
	bool storable = true;
	const char *end = text + length;
	size_t step;

	for (char *at = memchr(text, '\\', length); at != NULL; at = memchr(at + step, '\\', (size_t) (end - at) - step))
	{
		long code = escape_code(at, (size_t) (end - at));

		step = escape_length(at, (size_t) (end - at));
		if (step != ESCAPE_LENGTH || (code != 0 && !is_between(code, 0xD800, 0xDFFF)))
			continue;
		memcpy(at + 2, "FFFD", 4);
		storable = false;
	}
	return storable;
}

json_t *
json_from_client(const char *text, size_t length, bool *storable)
{
	char *copy = memory_copy_bytes(text, length);
	json_t *value;

	*storable = replace_escapes(copy, length);
	value = load(copy, length, 0, NULL);
	free(copy);
	return value;
}

const char *
json_member(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

char *
json_error(const char *code, const char *message)
{
	char *clean = message ? utf8_repair(message, strlen(message)) : NULL;
	json_t *error = json_pack("{s:s?, s:s?}", "code", code, "message", clean);
	char *text = error ? json_dumps(error, JSON_COMPACT) : memory_copy("null");

	json_decref(error);
	free(clean);
	return text;
}

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
json_t *
json_read(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_ALLOW_NUL, NULL);

	if (value == NULL)
		value = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	if (value == NULL)
		log_warning("json_not_read", "reason", error.text);
	return value;
}

json_t *
json_object_from(const char *text, size_t length)
{
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
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

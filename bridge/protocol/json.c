/*-------------------------------------------------------------------------
 *
 * json.c
 *	  Small pieces of JSON that protocols are made of.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/json.h"

#include "base/memory.h"

char *
json_quoted(const char *text)
{
	json_t *string = json_string(text ? text : "");
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : memory_copy("\"\"");

	json_decref(string);
	return quoted;
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

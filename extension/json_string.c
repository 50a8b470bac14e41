/*-------------------------------------------------------------------------
 *
 * json_string.c
 *	  Appends strings and numbers to JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/json.h"

#include "compat.h"
#include "json_string.h"

/* Returns whether a character stands for itself within a string of JSON. */
static bool
is_plain_character(char c)
{
	return (unsigned char) c >= ' ' && c != '"' && c != '\\';
}

void
json_append_string(StringInfo json, const text *string)
{
	const char *bytes = VARDATA_ANY(string);
	int length = (int) VARSIZE_ANY_EXHDR(string);
	int plain = 0;

	while (plain < length && is_plain_character(bytes[plain]))
		plain++;
	if (plain < length)
	{
		escape_json(json, text_to_cstring(string));
		return;
	}
	appendStringInfoChar(json, '"');
	appendBinaryStringInfo(json, bytes, length);
	appendStringInfoChar(json, '"');
}

void
json_append_number(StringInfo json, int64 number)
{
	char digits[sizeof("-9223372036854775808")];

	appendBinaryStringInfo(json, digits, pg_lltoa(number, digits));
}

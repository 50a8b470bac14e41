/*-------------------------------------------------------------------------
 *
 * json_string.h
 *	  Appends strings and numbers to JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_JSON_STRING_H
#define HERALD_JSON_STRING_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Appends a text as a string of JSON, as the server does. */
extern void json_append_string(StringInfo json, const text *string);

extern void json_append_number(StringInfo json, int64 number);

#endif /* HERALD_JSON_STRING_H */

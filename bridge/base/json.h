/*-------------------------------------------------------------------------
 *
 * json.h
 *	  Small pieces of JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_JSON_H
#define HERALD_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Returns a text as a JSON string with its quotes; of NULL or invalid UTF-8, an empty one.  The caller frees it. */
extern char *json_quoted(const char *text);

/* Parses a text from the database; NULL after a line in the log.  The caller releases the value. */
extern json_t *json_read(const char *text);

/* The reason why a client's value with *storable false is refused. */
#define JSON_NOT_STORABLE "PostgreSQL cannot store U+0000 and half a surrogate pair"

/*
 * Parses the text of a client; NULL if it is malformed.  The caller releases the value.  *storable: PostgreSQL can
 * store it.  Characters that it cannot store are U+FFFD in the value: U+0000, and half a surrogate pair.
 */
extern json_t *json_from_client(const char *text, size_t length, bool *storable);

/* Returns an error as clients get it, an object with code and message; either may be NULL.  The caller frees it. */
extern char *json_error(const char *code, const char *message);

/* Returns a member of an object that is a string, or NULL.  It belongs to the object. */
extern const char *json_member(const json_t *object, const char *key);

#endif /* HERALD_JSON_H */

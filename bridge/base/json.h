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
#include <stdint.h>

/* Returns a text as a JSON string with its quotes; of NULL or invalid UTF-8, an empty one.  The caller frees it. */
extern char *json_quoted(const char *text);

/* Parses a text from the database; NULL after a line in the log.  The caller releases the value. */
extern json_t *json_read(const char *text);

/* The reasons why a client's value is refused although it is JSON. */
#define JSON_NOT_STORABLE "PostgreSQL cannot store U+0000 and half a surrogate pair"
#define JSON_TOO_DEEP "arrays and objects are nested too deeply"
#define JSON_TOO_LARGE "a number is larger than 1.8e308"

/*
 * Parses the text of a client; NULL if it is malformed.  The caller releases the value.  *refusal: the reason why it
 * cannot be passed on to PostgreSQL; NULL: it can.  A refused value lacks only the parts that are the reason: it has
 * U+FFFD for U+0000 and half a surrogate pair, null for a number, and 0 for an array or object.
 */
extern json_t *json_from_client(const char *text, size_t length, const char **refusal);

/* Returns an error as clients get it, an object with code and message; either may be NULL.  The caller frees it. */
extern char *json_error(const char *code, const char *message);

/* Does the same with "retryAfter": the client may try again after so many milliseconds.  0: the member is left out. */
extern char *json_error_to_retry(const char *code, const char *message, int64_t wait);

/* Returns a member of an object that is a string, or NULL.  It belongs to the object. */
extern const char *json_member(const json_t *object, const char *key);

#endif /* HERALD_JSON_H */

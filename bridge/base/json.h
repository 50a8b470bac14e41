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
#include <stddef.h>

/* A text as a JSON string, with its quotes; the caller frees it. */
extern char *json_quoted(const char *text);

/* The value of a text of the database, or NULL after a line in the log; the caller releases it. */
extern json_t *json_read(const char *text);

/* The object that a text holds, or NULL; the caller releases it. */
extern json_t *json_object_from(const char *text, size_t length);

/* A member of an object that is a string, or NULL. */
extern const char *json_member(const json_t *object, const char *key);

#endif /* HERALD_JSON_H */

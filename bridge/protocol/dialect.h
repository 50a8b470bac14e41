/*-------------------------------------------------------------------------
 *
 * dialect.h
 *	  The dialects: names and shapes of Socket.IO events for different front ends.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DIALECT_H
#define HERALD_DIALECT_H

#include <stdbool.h>

#include "fanout/event.h"

/*
 * Loads dialects.  "names" are names of installed dialects or paths of files, separated by
 * blanks; the order counts for dialect_namespace().  Returns false after a message on standard
 * error that names the file, the place in it and the mistake.
 */
extern bool dialect_load(const char *names);

/* Frees all dialects.  Sessions must not use their formats any more. */
extern void dialect_unload(void);

/*
 * Returns the format of a namespace in a dialect; if "dialect" is NULL, in the first dialect that
 * has the namespace.  NULL: there is none.  The format belongs to the dialect.
 */
extern const Format *dialect_namespace(const char *dialect, const char *namespace);

#endif /* HERALD_DIALECT_H */

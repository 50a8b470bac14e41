/*-------------------------------------------------------------------------
 *
 * dialect.h
 *	  The dialects that clients of Socket.IO are served in.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DIALECT_H
#define HERALD_DIALECT_H

#include <stdbool.h>

#include "fanout/event.h"

/*
 * Reads dialects.  Their names, or the paths of their files, are separated
 * by spaces.  False after a message on standard error that says which file is
 * wrong, where and why.
 */
extern bool dialect_load(const char *names);

/* Forgets them all; no session uses their formats any more. */
extern void dialect_unload(void);

/*
 * A namespace of a dialect; of the first that has it when the client names no
 * dialect (NULL).  NULL: it is not served.
 */
extern const Format *dialect_namespace(const char *dialect, const char *namespace);

#endif /* HERALD_DIALECT_H */

/*-------------------------------------------------------------------------
 *
 * refusal.h
 *	  Remembers why servers refused a connection, so that the log says it once.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_REFUSAL_H
#define HERALD_REFUSAL_H

#include <stdbool.h>

/*
 * Returns whether a reason has not been noted in the last minute, and notes it.  All
 * connections of a bridge are refused for the same reasons, again and again.
 */
extern bool refusal_is_new(const char *reason);

/* Forgets all reasons: a connection has succeeded. */
extern void refusal_forget_all(void);

#endif /* HERALD_REFUSAL_H */

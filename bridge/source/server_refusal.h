/*-------------------------------------------------------------------------
 *
 * server_refusal.h
 *	  Remembers why servers refused a connection or its first query, so that the log says it once.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SERVER_REFUSAL_H
#define HERALD_SERVER_REFUSAL_H

#include <stdbool.h>

/* Remedies, in --check and in the log. */
#define REFUSAL_EXTENSION_HINT "As the owner of the database, run: CREATE EXTENSION pg_herald;"
#define REFUSAL_ROLE_HINT "The role must be a member of herald_bridge: GRANT herald_bridge TO role;"

/*
 * Returns the remedy for the SQLSTATE with which the server refuses the extension's
 * functions.  The SQLSTATE may be NULL: not an error of the server.
 */
extern const char *server_refusal_hint(const char *sqlstate);

/*
 * Returns whether a reason has not been noted in the last minute, and notes it.  All
 * connections of a bridge are refused for the same reasons, again and again.
 */
extern bool server_refusal_is_new(const char *reason);

/* Forgets all reasons: a connection has succeeded. */
extern void server_refusal_forget_all(void);

#endif /* HERALD_SERVER_REFUSAL_H */

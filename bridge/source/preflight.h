/*-------------------------------------------------------------------------
 *
 * preflight.h
 *	  Checks before the start that the bridge can work with its database.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PREFLIGHT_H
#define HERALD_PREFLIGHT_H

#include <stdbool.h>

/* Returns whether this is a connection string; if not, after a message on standard error. */
extern bool preflight_conninfo(const char *conninfo);

/*
 * Connects, and tries what the bridge will do: a session of its own, its functions,
 * LISTEN.  Blocks until the server has answered.  False after a message on standard
 * error that says what failed, why, and what to change.
 */
extern bool preflight_database(const char *conninfo);

#endif /* HERALD_PREFLIGHT_H */

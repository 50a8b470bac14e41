/*-------------------------------------------------------------------------
 *
 * preflight.h
 *	  Says before the start what would not work with the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PREFLIGHT_H
#define HERALD_PREFLIGHT_H

#include <stdbool.h>

/* Is this a connection string?  False after a message on standard error. */
extern bool preflight_conninfo(const char *conninfo);

/*
 * Connects, and tries what the bridge will do: its functions and LISTEN.  Waits
 * for the answers.  False after a message on standard error.
 */
extern bool preflight_database(const char *conninfo);

#endif /* HERALD_PREFLIGHT_H */

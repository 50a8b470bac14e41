/*-------------------------------------------------------------------------
 *
 * check.h
 *	  Says before the start what would not work with the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CHECK_H
#define HERALD_CHECK_H

#include <stdbool.h>

/* Is this a connection string?  False after a message on standard error. */
extern bool check_conninfo(const char *conninfo);

/*
 * Connects, and tries what the bridge will do: its functions and LISTEN.  Waits
 * for the answers.  False after a message on standard error.
 */
extern bool check_database(const char *conninfo);

#endif /* HERALD_CHECK_H */

/*-------------------------------------------------------------------------
 *
 * hosts.h
 *	  Connects to one of the servers that a connection string names.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HOSTS_H
#define HERALD_HOSTS_H

#include <libpq-fe.h>

/* How many servers there are to choose from. */
extern int hosts_count(const char *conninfo);

/*
 * Begins to connect to the n-th of them, counted from 0, if it takes writes.  "name" is what the server calls the connection.
 */
extern PGconn *hosts_connect(const char *conninfo, int which, const char *name);

/*
 * Connects to the first of them that takes writes, and blocks until that is done or has failed.  The
 * caller finishes the connection.
 */
extern PGconn *hosts_connect_and_wait(const char *conninfo);

#endif /* HERALD_HOSTS_H */

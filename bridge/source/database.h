/*-------------------------------------------------------------------------
 *
 * database.h
 *	  A connection to PostgreSQL that never blocks and always comes back.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DATABASE_H
#define HERALD_DATABASE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/config.h"

/*
 * Gets a query's result, which is cleared afterwards; NULL: the connection was
 * lost or never there, and it is not known whether the query ran.
 */
typedef void (*DatabaseAnswer)(void *context, const PGresult *result);

/* What the user of a connection wants to know of it; each may be NULL. */
typedef struct DatabaseEvents
{
	void (*connected)(void *context);
	void (*lost)(void *context); /* after all queries were answered with NULL */
	/* What came by NOTIFY, one by one, and NULL when these were all. */
	void (*notified)(void *context, const PGnotify *notification);
} DatabaseEvents;

typedef struct Database Database;

/*
 * Begins to connect and goes on whenever the connection is lost, with growing
 * pauses, through the servers of "conninfo".  "name" tells the connections of a
 * bridge apart, in pg_stat_activity and in the log.  A query that takes longer
 * than "limit" milliseconds ends with an error of the server; if even that does not
 * come, the connection is lost.
 */
extern Database *database_open(const char *name, const char *conninfo, long limit, const DatabaseEvents *events,
							   void *context);

extern bool database_is_connected(const Database *database);

/* How many queries have not been answered yet. */
extern int database_load(const Database *database);

/* Queues a query; its parameters are texts or NULL and are copied. */
extern void database_query(Database *database, const char *sql, int count, const char *const *values,
						   DatabaseAnswer answer, void *context);

/* Drops the connection and makes it again: something about it is wrong. */
extern void database_reset(Database *database, const char *why);

extern void database_close(Database *database);

/* Why the last attempt failed; "" if none did. */
extern const char *database_error(const Database *database);

#endif /* HERALD_DATABASE_H */

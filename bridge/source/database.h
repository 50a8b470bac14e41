/*-------------------------------------------------------------------------
 *
 * database.h
 *	  A connection to PostgreSQL that never blocks and always reconnects.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DATABASE_H
#define HERALD_DATABASE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "source/query.h"

/* Callbacks of a connection; each may be NULL. */
typedef struct DatabaseEvents
{
	void (*connected)(void *context);
	void (*lost)(void *context); /* called after all queries were answered with NULL */
	/* Called for each notification, and with NULL behind the last of those that came together. */
	void (*notified)(void *context, const PGnotify *notification);
} DatabaseEvents;

typedef struct Database Database;

/*
 * Opens a connection, and reconnects whenever it is lost, with growing pauses, trying
 * the servers of "conninfo" in turn.  "name" distinguishes the connections of a bridge,
 * in pg_stat_activity and in the log; it is not copied.  The server cancels a query that
 * takes longer than "limit" milliseconds; if the server does not even do that, the
 * connection counts as lost.  The caller closes it.
 */
extern Database *database_open(const char *name, const char *conninfo, long limit, const DatabaseEvents *events,
							   void *context);

/* Returns whether queries can be sent now. */
extern bool database_is_connected(const Database *database);

/* Returns the number of queries that are not answered yet. */
extern int database_load(const Database *database);

/*
 * Queues a query; copies it and its parameters, which are texts or NULL.  Calls answer()
 * once: at once with NULL when there is no connection.
 */
extern void database_query(Database *database, const char *sql, int count, const char *const *values,
						   QueryAnswer answer, void *context);

/*
 * The same for a query that is sent together with the next one, which the caller must queue at once, as one
 * transaction.  The server runs the next one as soon as this one has ended, and answers both at once.  If this one
 * fails, the result of the next one is PGRES_PIPELINE_ABORTED.
 */
extern void database_query_with_next(Database *database, const char *sql, int count, const char *const *values,
									 QueryAnswer answer, void *context);

/*
 * Sends a query before those that are queued.  Only the receiver of a good answer may do so, on the same
 * connection, to ask again.
 */
extern void database_query_next(Database *database, const char *sql, int count, const char *const *values,
								QueryAnswer answer, void *context);

/* Drops a connection that does not work as it should, and connects again; logs the reason. */
extern void database_reset(Database *database, const char *why);

/* Drops all connections of the process, and connects again: the server waits for its sessions to end. */
extern void database_leave_server(const char *why);

/* Closes it for good; all queries are answered with NULL. */
extern void database_close(Database *database);

/* Returns the reason of the latest failure; "" if there was none. */
extern const char *database_error(const Database *database);

#endif /* HERALD_DATABASE_H */

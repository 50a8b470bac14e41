/*-------------------------------------------------------------------------
 *
 * database_pool.h
 *	  Connections to PostgreSQL that work of many users shares, in turns.
 *
 * Each connection runs one item at a time, and each user has one under way (fair_queue.h).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DATABASE_POOL_H
#define HERALD_DATABASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fair_queue.h"
#include "source/database.h"

/* Connections of a pool. */
#define DATABASE_POOL_SIZE 4

/* Starts an item that was taken off the queue, on a connection that runs nothing; NULL: there will be none any more. */
typedef void (*DatabasePoolStart)(FairItem *item, Database *connection);

/* Zeroed, it is closed.  The owner may set waiting.rest and waiting.rested, and may read all members. */
typedef struct DatabasePool
{
	Database *connections[DATABASE_POOL_SIZE];
	FairQueue waiting;
	DatabasePoolStart start;
	bool starting; /* database_pool_go_on() runs */
	bool closed;
} DatabasePool;

/* Opens the connections, as database_open() does. */
extern void database_pool_open(DatabasePool *pool, const char *name, const char *conninfo, long limit,
							   DatabasePoolStart start);

/* Closes the connections for good, and starts all waiting items without one. */
extern void database_pool_close(DatabasePool *pool);

/* Returns whether queries can be sent now, on one of the connections at least. */
extern bool database_pool_is_connected(const DatabasePool *pool);

/* Adds an item of "size" bytes to the queue of a user, and starts it if it is its turn. */
extern void database_pool_add(DatabasePool *pool, const char *user, FairItem *item, size_t size);

/* Ends an item that was started, and starts those whose turn it is. */
extern void database_pool_end(DatabasePool *pool, FairItem *item);

/* Starts the items whose turn it is.  Without any connection they get one that fails at once. */
extern void database_pool_go_on(DatabasePool *pool);

#endif /* HERALD_DATABASE_POOL_H */

/*-------------------------------------------------------------------------
 *
 * database_pool.c
 *	  Connections to PostgreSQL that work of many users shares, in turns.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/database_pool.h"

#include <assert.h>

static void
database_pool_on_connected(void *context)
{
	database_pool_go_on(context);
}

void
database_pool_open(DatabasePool *pool, const char *name, const char *conninfo, long limit, DatabasePoolStart start)
{
	static const DatabaseEvents events = { .connected = database_pool_on_connected };

	assert(start != NULL && pool->start == NULL);
	pool->start = start;
	for (int i = 0; i < DATABASE_POOL_SIZE; i++)
		pool->connections[i] = database_open(name, conninfo, limit, &events, pool);
}

void
database_pool_close(DatabasePool *pool)
{
	FairItem *item;

	if (pool->start == NULL)
		return;
	pool->closed = true;
	for (int i = 0; i < DATABASE_POOL_SIZE; i++)
		database_close(pool->connections[i]);
	fair_queue_end_rests(&pool->waiting);
	while ((item = fair_queue_take(&pool->waiting)) != NULL)
		pool->start(item, NULL);
	*pool = (DatabasePool){ 0 };
}

bool
database_pool_is_connected(const DatabasePool *pool)
{
	for (int i = 0; i < DATABASE_POOL_SIZE; i++)
	{
		if (pool->connections[i] != NULL && database_is_connected(pool->connections[i]))
			return true;
	}
	return false;
}

/* Returns a connection that runs nothing; if none is connected, any: its queries fail at once.  NULL: all are busy. */
static Database *
idle_connection(const DatabasePool *pool)
{
	for (int i = 0; i < DATABASE_POOL_SIZE; i++)
	{
		if (database_is_connected(pool->connections[i]) && database_load(pool->connections[i]) == 0)
			return pool->connections[i];
	}
	return database_pool_is_connected(pool) ? NULL : pool->connections[0];
}

/* An item may end at once, and so call this again: the loop goes on then. */
void
database_pool_go_on(DatabasePool *pool)
{
	Database *connection;
	FairItem *item;

	if (pool->starting || pool->closed)
		return;
	pool->starting = true;
	while ((connection = idle_connection(pool)) != NULL && (item = fair_queue_take(&pool->waiting)) != NULL)
		pool->start(item, connection);
	pool->starting = false;
}

void
database_pool_add(DatabasePool *pool, const char *user, FairItem *item, size_t size)
{
	assert(pool->start != NULL);
	fair_queue_add(&pool->waiting, user, item, size);
	database_pool_go_on(pool);
}

void
database_pool_end(DatabasePool *pool, FairItem *item)
{
	fair_queue_end(&pool->waiting, item);
	database_pool_go_on(pool);
}

/*-------------------------------------------------------------------------
 *
 * query_cache.c
 *	  Keeps the plans of queries that are compiled from watched tables.
 *
 * A session that joins a room, or an action that asks for one, must not wait until
 * such a query is parsed and planned again.  The server itself makes a plan again
 * after a change of its tables, of the role or of the search path.
 *
 * The number of plans is bounded: a further query takes the place of the one that has
 * not run for the longest time.  A query that runs keeps its place: a nested call may
 * need another one meanwhile.  If all run, a further query is planned each time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "query.h"
#include "query_cache.h"

#define CACHED_QUERIES 200

/* A kept query, or a free place: one without a text. */
typedef struct CachedQuery
{
	SavedQuery query;
	uint64 last_run; /* the number of that run */
	int running;	 /* how many calls are in it */
} CachedQuery;

static CachedQuery kept[CACHED_QUERIES];
static uint64 runs = 0;

static bool
is_same_query(const SavedQuery *a, const SavedQuery *b)
{
	return a->nargs == b->nargs && a->read_only == b->read_only && a->keeps_path == b->keeps_path &&
		   strcmp(a->text, b->text) == 0 && memcmp(a->argtypes, b->argtypes, sizeof(Oid) * a->nargs) == 0;
}

/* Frees a query and its place. */
static void
drop_query(CachedQuery *cached)
{
	Assert(cached->running == 0);
	query_forget(&cached->query);
	pfree(unconstify(char *, cached->query.text));
	memset(cached, 0, sizeof(*cached));
}

/* Returns the place of a query, or else that of the query which is to make room for it; NULL if all run. */
static CachedQuery *
find_place(const SavedQuery *query)
{
	CachedQuery *oldest = NULL;

	for (int i = 0; i < CACHED_QUERIES; i++)
	{
		CachedQuery *cached = &kept[i];

		if (cached->query.text != NULL && is_same_query(&cached->query, query))
			return cached;
		if (cached->running == 0 && (oldest == NULL || cached->last_run < oldest->last_run))
			oldest = cached;
	}
	return oldest;
}

/* Returns the kept form of a query; NULL if there is no room for it. */
static CachedQuery *
find_or_add(const SavedQuery *query)
{
	CachedQuery *cached = find_place(query);
	char *text;

	if (cached == NULL || (cached->query.text != NULL && is_same_query(&cached->query, query)))
		return cached;
	text = MemoryContextStrdup(TopMemoryContext, query->text);
	if (cached->query.text != NULL)
		drop_query(cached);
	cached->query = *query;
	cached->query.text = text;
	cached->query.cursor_options = CURSOR_OPT_GENERIC_PLAN;
	return cached;
}

uint64
query_cache_run(SavedQuery *query, Datum *values, const Oid *types, int columns)
{
	CachedQuery *volatile cached;
	uint64 rows;

	query->complete = true;
	cached = find_or_add(query);
	if (cached == NULL)
		return query_run_once(query, values, types, columns);
	cached->last_run = ++runs;
	cached->running++;
	PG_TRY();
	{
		rows = query_run(&cached->query, 1, values, NULL);
	}
	PG_FINALLY();
	{
		cached->running--;
	}
	PG_END_TRY();
	query_check_types(query, types, columns);
	return rows;
}

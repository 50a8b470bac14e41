/*-------------------------------------------------------------------------
 *
 * query_cache.c
 *	  Keeps the plans of queries that are compiled from watched tables.
 *
 * A session that joins a room, or an action that asks for one, must not wait until
 * such a query is parsed and planned again.  The server itself makes a plan again
 * after a change of its tables, of the role or of the search path.
 *
 * A query stays for the life of the backend: a nested call may need the entry that
 * an outer one is running.  So their number is bounded, and a further query is
 * planned each time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "query.h"
#include "query_cache.h"

#define CACHED_QUERIES 200

static struct
{
	SavedQuery queries[CACHED_QUERIES];
	int count;
} kept;

static bool
is_same_query(const SavedQuery *a, const SavedQuery *b)
{
	return a->nargs == b->nargs && a->read_only == b->read_only && strcmp(a->text, b->text) == 0 &&
		   memcmp(a->argtypes, b->argtypes, sizeof(Oid) * a->nargs) == 0;
}

/* Returns the kept form of a query; NULL if the cache is full. */
static SavedQuery *
find_or_add(const SavedQuery *query)
{
	SavedQuery *added;

	for (int i = 0; i < kept.count; i++)
	{
		if (is_same_query(&kept.queries[i], query))
			return &kept.queries[i];
	}
	if (kept.count == CACHED_QUERIES)
		return NULL;
	added = &kept.queries[kept.count];
	*added = *query;
	added->text = MemoryContextStrdup(TopMemoryContext, query->text);
	added->cursor_options = CURSOR_OPT_GENERIC_PLAN;
	kept.count++;
	return added;
}

uint64
query_cache_run(SavedQuery *query, Datum *values, const Oid *types, int columns)
{
	SavedQuery *found = find_or_add(query);
	uint64 rows;

	if (found == NULL)
		return query_run_once(query, values, types, columns);
	rows = query_run(found, 1, values, NULL);
	query_check_types(query, types, columns);
	return rows;
}

/*-------------------------------------------------------------------------
 *
 * user_block.c
 *	  Who wants nothing of whom, by the application's own tables.
 *
 * Each backend keeps the queries of herald_internal.block_source with their plans until
 * that table's relcache entry is invalidated, which watch_registry.c sees to.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "write/user_block.h"

typedef struct BlockSource
{
	Oid owner; /* of the table */
	SavedQuery query;
} BlockSource;

static BlockSource *sources = NULL;
static int source_count = -1; /* not known */
static MemoryContext source_context = NULL;
static Oid source_table = InvalidOid; /* herald_internal.block_source */
static bool loaded = false;

static SavedQuery load_sources = {
	.name = "the query for blocks",
	.text = "SELECT s.sql, c.relowner FROM herald_internal.block_source AS s JOIN pg_class AS c ON c.oid = s.relation ORDER BY c.oid",
	.latest = true, /* the list outlives this transaction and must not be as old as its snapshot */
};

TupleDesc
user_block_shape(void)
{
	static const QueryColumn columns[] = { { "recipient_id", TEXTOID }, { "actor_id", TEXTOID } };
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

static void
on_relation_change(Datum arg, Oid relation)
{
	if (!OidIsValid(relation) || relation == source_table)
		loaded = false;
}

void
user_block_init(void)
{
	CacheRegisterRelcacheCallback(on_relation_change, (Datum) 0);
}

static void
forget_sources(void)
{
	for (int i = 0; i < source_count; i++)
		query_forget(&sources[i].query);
	source_count = -1;
	if (source_context != NULL)
		MemoryContextReset(source_context);
	else
		source_context = AllocSetContextCreate(CacheMemoryContext, "pg_herald blocks", ALLOCSET_SMALL_SIZES);
}

static void
load(void)
{
	uint64 rows;
	BlockSource *fresh;
	bool isnull;

	forget_sources();
	source_table = query_own_table("block_source");
	loaded = true; /* an invalidation from here on counts */
	rows = query_run(&load_sources, 1, NULL, NULL);
	fresh = MemoryContextAllocZero(source_context, sizeof(BlockSource) * (rows + 1));
	for (uint64 row = 0; row < rows; row++)
	{
		fresh[row].owner = DatumGetObjectId(query_value(row, 2, &isnull));
		fresh[row].query.name = "the query for blocks";
		fresh[row].query.text = MemoryContextStrdup(source_context, query_text(row, 1));
	}
	sources = fresh;
	source_count = (int) rows;
}

Tuplestorestate *
user_block_find(QueryScope *scope, int64 candidates)
{
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);

	if (!loaded || source_count < 0)
		load();
	for (int i = 0; i < source_count; i++)
	{
		query_become(scope, sources[i].owner, true);
		query_run_into(&sources[i].query, candidates, found, user_block_shape());
	}
	if (source_count > 0)
		query_become(scope, query_extension_owner(), false);
	return found;
}

/*-------------------------------------------------------------------------
 *
 * user_block.c
 *	  Finds the blocks between recipients and actors, by the application's tables.
 *
 * A block source is a query over a watched table of blocks.  Each backend caches
 * the queries of herald_internal.block_source, with their plans, until the relcache
 * entry of that table is invalidated.  watch_registry.c does that when it changes
 * the table.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "write/user_block.h"

typedef struct BlockSource
{
	Oid owner; /* of the watched table */
	SavedQuery query;
} BlockSource;

/* The block sources, as this backend knows them. */
static struct
{
	bool valid;			   /* no invalidation since they were loaded */
	int count;			   /* -1: not loaded */
	BlockSource *sources;  /* in the context */
	MemoryContext context; /* NULL before the first load */
	Oid table;			   /* herald_internal.block_source when they were loaded */
} block_cache = { .count = -1 };

static SavedQuery load_block_sources = {
	.name = "the query for blocks",
	.text = "SELECT s.sql, c.relowner FROM herald_internal.block_source AS s JOIN pg_class AS c ON c.oid = s.relation ORDER BY c.oid",
	.latest = true, /* the cache outlives this transaction and must not be as old as its snapshot */
};

TupleDesc
user_block_shape(void)
{
	static const QueryColumn columns[] = { { "recipient_id", TEXTOID }, { "actor_id", TEXTOID } };
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

static void
user_block_invalidate(Datum arg, Oid relation)
{
	if (!OidIsValid(relation) || relation == block_cache.table)
		block_cache.valid = false;
}

void
user_block_init(void)
{
	CacheRegisterRelcacheCallback(user_block_invalidate, (Datum) 0);
}

static void
forget_block_sources(void)
{
	for (int i = 0; i < block_cache.count; i++)
		query_forget(&block_cache.sources[i].query);
	block_cache.count = -1;
	if (block_cache.context != NULL)
		MemoryContextReset(block_cache.context);
	else
		block_cache.context = AllocSetContextCreate(CacheMemoryContext, "pg_herald blocks", ALLOCSET_SMALL_SIZES);
}

/* Fills the cache.  After an error it is empty, and the next call fills it. */
static void
fill_block_cache(void)
{
	uint64 rows;
	BlockSource *sources;
	bool isnull;

	forget_block_sources();
	block_cache.table = query_own_table("block_source");
	block_cache.valid = true; /* an invalidation from here on counts */
	rows = query_run(&load_block_sources, 1, NULL, NULL);
	sources = MemoryContextAllocZero(block_cache.context, sizeof(BlockSource) * (rows + 1));
	for (uint64 row = 0; row < rows; row++)
	{
		sources[row].owner = DatumGetObjectId(query_value(row, 2, &isnull));
		sources[row].query.name = "the query for blocks";
		sources[row].query.text = MemoryContextStrdup(block_cache.context, query_text(row, 1));
	}
	block_cache.sources = sources;
	block_cache.count = (int) rows;
}

Tuplestorestate *
user_block_find(QueryScope *scope, Oid role, Tuplestorestate *pairs)
{
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);

	Assert(GetUserId() == query_extension_owner());
	if (!block_cache.valid || block_cache.count < 0)
		fill_block_cache();
	query_offer("herald_pair", pairs, user_block_shape(), InvalidOid);
	for (int i = 0; i < block_cache.count; i++)
	{
		BlockSource *source = &block_cache.sources[i];

		if (OidIsValid(role) && !is_member_of_role(source->owner, role))
			continue;
		query_lend(scope, source->owner);
		query_run_into(&source->query, tuplestore_tuple_count(pairs), NULL, found, user_block_shape());
	}
	query_reclaim(scope);
	return found;
}

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
#include "utils/snapmgr.h"

#include "own_table.h"
#include "write/user_block.h"

typedef struct BlockSource
{
	Oid table; /* the watched one */
	Oid owner; /* of this table */
	SavedQuery query;
} BlockSource;

/* The block sources, as this backend knows them. */
static struct
{
	bool valid;			   /* no invalidation since they were loaded */
	bool loaded;		   /* completely */
	int count;
	BlockSource *sources;  /* in the context; NULL for none */
	MemoryContext context; /* NULL before the first load */
	Oid table;			   /* herald_internal.block_source when they were loaded */
} block_cache;

/* The columns of herald_internal.block_source. */
#define BLOCK_SOURCE_RELATION 1
#define BLOCK_SOURCE_SQL 2

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
	block_cache.loaded = false;
	block_cache.count = 0;
	block_cache.sources = NULL;
	if (block_cache.context != NULL)
		MemoryContextReset(block_cache.context);
	else
		block_cache.context = AllocSetContextCreate(CacheMemoryContext, "pg_herald blocks", ALLOCSET_SMALL_SIZES);
}

/* Adds the block source of a row, unless its table has been dropped. */
static void
add_block_source(OwnScan *row)
{
	bool isnull;
	Oid table = DatumGetObjectId(own_scan_value(row, BLOCK_SOURCE_RELATION, &isnull));
	Oid owner = table_owner(table);
	BlockSource *sources = block_cache.sources;
	Size size = sizeof(BlockSource) * (block_cache.count + 1);

	if (!OidIsValid(owner))
		return;
	block_cache.sources = sources == NULL ? palloc(size) : repalloc(sources, size);
	sources = &block_cache.sources[block_cache.count++];
	memset(sources, 0, sizeof(BlockSource));
	sources->table = table;
	sources->owner = owner;
	sources->query.name = "the query for blocks";
	sources->query.text = own_scan_text(row, BLOCK_SOURCE_SQL);
}

static int
compare_block_sources(const void *a, const void *b)
{
	Oid first = ((const BlockSource *) a)->table;
	Oid second = ((const BlockSource *) b)->table;

	return first < second ? -1 : first > second;
}

/*
 * Fills the cache with the latest state, because it outlives this transaction and must not be as old as its snapshot.
 * After an error it is not valid, and the next call fills it.
 */
static void
fill_block_cache(void)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	MemoryContext caller;
	OwnScan row;

	forget_block_sources();
	block_cache.table = query_own_table("block_source");
	block_cache.valid = true; /* an invalidation from here on counts */
	caller = MemoryContextSwitchTo(block_cache.context);
	row = own_scan_all("block_source", snapshot);
	while (own_scan_next(&row))
		add_block_source(&row);
	own_scan_end(&row);
	MemoryContextSwitchTo(caller);
	UnregisterSnapshot(snapshot);
	qsort(block_cache.sources, block_cache.count, sizeof(BlockSource), compare_block_sources);
	block_cache.loaded = true;
}

Tuplestorestate *
user_block_find(QueryScope *scope, Oid role, Tuplestorestate *pairs)
{
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);

	Assert(GetUserId() == query_extension_owner());
	if (!block_cache.valid || !block_cache.loaded)
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

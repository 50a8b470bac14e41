/*-------------------------------------------------------------------------
 *
 * own_index.c
 *	  Caches which rows belong into which indexes of the extension's own tables.
 *
 * The executor opens all indexes of a table for each statement, and compiles the predicates
 * of the partial ones anew.  Most rows of the event log belong into none of these.  So each
 * backend keeps the predicates, and opens an index when the first row belongs into it.
 *
 * The cache follows the relcache: a new index invalidates the entry of its table, and a
 * change of its state its own entry.  CREATE INDEX CONCURRENTLY waits for transactions that
 * may not know the new index: they have locked the table.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_index.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

#include "plain_expression.h"
#include "relation_change.h"
#include "write/own_index.h"

/* The indexes of each table that this backend has inserted into. */
static List *loaded_indexes = NIL;

/* Counts invalidations: those while indexes are loaded concern them. */
static uint64 invalidation_count;

static bool
concerns(const OwnIndexes *indexes, Oid relation)
{
	for (int i = 0; i < indexes->count; i++)
	{
		if (indexes->list[i].oid == relation)
			return true;
	}
	return !OidIsValid(relation) || indexes->table == relation;
}

static void
forget_indexes(Oid relation)
{
	ListCell *cell;

	invalidation_count++;
	foreach (cell, loaded_indexes)
	{
		OwnIndexes *indexes = lfirst(cell);

		if (concerns(indexes, relation))
			indexes->valid = false;
	}
}

void
own_index_init(void)
{
	relation_change_register(forget_indexes);
}

/* Returns the expressions in a column of a row of pg_index, prepared for evaluation; NULL for none. */
static Node *
index_expressions(HeapTuple row, AttrNumber column, TupleDesc shape)
{
	bool isnull;
	Datum source = heap_getattr(row, column, shape, &isnull);

	return isnull ? NULL : (Node *) expression_planner(stringToNode(TextDatumGetCString(source)));
}

static bool
has_plain_operators(HeapTuple row, TupleDesc shape)
{
	bool isnull;
	Datum value = heap_getattr(row, Anum_pg_index_indclass, shape, &isnull);
	oidvector *classes = (oidvector *) DatumGetPointer(value);

	for (int i = 0; i < classes->dim1; i++)
	{
		if (!operators_are_plain(classes->values[i]))
			return false;
	}
	return true;
}

/* Adds an index to those of its table, by its row in pg_index. */
static void
add_index(OwnIndexes *indexes, HeapTuple row, TupleDesc shape)
{
	Node *predicate = index_expressions(row, Anum_pg_index_indpred, shape);
	OwnIndex *index;

	indexes->plain = indexes->plain && has_plain_operators(row, shape) && expression_is_plain(predicate) &&
					 expression_is_plain(index_expressions(row, Anum_pg_index_indexprs, shape));
	indexes->list = indexes->list == NULL ? palloc(sizeof(OwnIndex)) :
											repalloc(indexes->list, sizeof(OwnIndex) * (indexes->count + 1));
	index = &indexes->list[indexes->count++];
	index->oid = ((Form_pg_index) GETSTRUCT(row))->indexrelid;
	index->predicate = ExecInitQual(make_ands_implicit((Expr *) predicate), NULL);
	index->info = NULL;
}

static int
compare_indexes(const void *a, const void *b)
{
	Oid first = ((const OwnIndex *) a)->oid;
	Oid second = ((const OwnIndex *) b)->oid;

	return first < second ? -1 : first > second;
}

/* Loads all indexes of a table by one scan of the catalog, in the order in which the server locks them. */
static void
load_indexes(OwnIndexes *indexes, Relation table)
{
	Relation catalog = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple row;

	indexes->plain = true;
	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(table)));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		if (((Form_pg_index) GETSTRUCT(row))->indislive)
			add_index(indexes, row, RelationGetDescr(catalog));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	qsort(indexes->list, indexes->count, sizeof(OwnIndex), compare_indexes);
}

/* Returns the cached indexes of a table; NULL if there are none, or outdated ones: these are dropped. */
static OwnIndexes *
find_loaded(Oid table)
{
	ListCell *cell;

	foreach (cell, loaded_indexes)
	{
		OwnIndexes *indexes = lfirst(cell);

		if (indexes->table != table)
			continue;
		if (indexes->valid)
			return indexes;
		loaded_indexes = foreach_delete_current(loaded_indexes, cell);
		MemoryContextSetParent(indexes->context, TopTransactionContext); /* may be in use further up the stack */
	}
	return NULL;
}

/* Adds the indexes of a table to the cache. */
static OwnIndexes *
add_indexes(Relation table)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald indexes", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	OwnIndexes *indexes = palloc0(sizeof(OwnIndexes));
	uint64 before = invalidation_count;

	indexes->table = RelationGetRelid(table);
	indexes->context = context;
	load_indexes(indexes, table);
	indexes->valid = invalidation_count == before;
	MemoryContextSwitchTo(TopMemoryContext);
	loaded_indexes = lappend(loaded_indexes, indexes);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, CacheMemoryContext);
	return indexes;
}

OwnIndexes *
own_indexes(Relation table)
{
	OwnIndexes *indexes = find_loaded(RelationGetRelid(table));

	return indexes != NULL ? indexes : add_indexes(table);
}

Relation
own_index_open(const OwnIndexes *indexes, int number, IndexInfo **info)
{
	OwnIndex *index = &indexes->list[number];
	Relation relation = index_open(index->oid, RowExclusiveLock);
	MemoryContext caller;

	Assert(number >= 0 && number < indexes->count);
	if (index->info == NULL)
	{
		caller = MemoryContextSwitchTo(indexes->context);
		index->info = BuildIndexInfo(relation);
		index->info->ii_PredicateState = index->predicate;
		MemoryContextSwitchTo(caller);
	}
	*info = palloc(sizeof(IndexInfo));
	**info = *index->info;
	(*info)->ii_Context = CurrentMemoryContext; /* the access method keeps values there between rows */
	return relation;
}

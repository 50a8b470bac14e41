/*-------------------------------------------------------------------------
 *
 * rule_cache.c
 *	  Loads the rules of a table and caches them with their plans.
 *
 * 1. Each backend caches the rules of the tables that it writes to, with their
 *	  plans, until the table's relcache entry is invalidated.
 *	  herald_internal.save_rule() does that, and so does any DDL on the table.
 *
 * 2. The rules of a partitioned table apply to its partitions as well, if these
 *	  have the same owner.
 *
 * 3. An outdated list may still be in use further up the stack, so it lives until
 *	  the end of the transaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "write/rule_cache.h"

/* An entry of the cache: the rules of a table. */
typedef struct RuleSet
{
	Oid relation; /* hash key */
	bool valid;
	MemoryContext context; /* holds the lists; NULL: not loaded */
	RuleList *lists[RULE_OPERATIONS];
} RuleSet;

static HTAB *rule_cache = NULL;

/* One run with one plan: it is a large part of a session's first write to a table. */
static SavedQuery load_rules = {
	.name = "the query for the rules of a table",
	.text = "SELECT id, name, notify, publish, lock, retract, on_error,"
			" ARRAY(SELECT s.prefix FROM herald_internal.room_source AS s WHERE s.relation = rule.relation),"
			" ARRAY(SELECT c.id FROM herald_internal.counter AS c WHERE c.relation = rule.relation), operation,"
			" EXISTS (SELECT FROM herald_internal.suspension AS s WHERE s.rule = rule.id), change, relation::oid"
			" FROM herald_internal.rule WHERE relation = ANY ($1) ORDER BY id",
	.nargs = 1,
	.argtypes = { OIDARRAYOID },
	.latest = true, /* the cache outlives this transaction and must not be as old as its snapshot */
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

static void
rule_cache_invalidate(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS scan;
	RuleSet *set;

	if (OidIsValid(relation))
	{
		set = hash_search(rule_cache, &relation, HASH_FIND, NULL);
		if (set != NULL)
			set->valid = false;
		return;
	}
	hash_seq_init(&scan, rule_cache);
	while ((set = hash_seq_search(&scan)) != NULL)
		set->valid = false;
}

void
rule_cache_init(void)
{
	HASHCTL control = { 0 };

	Assert(rule_cache == NULL);
	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(RuleSet);
	rule_cache = hash_create("pg_herald rules", 32, &control, HASH_ELEM | HASH_BLOBS);
	CacheRegisterRelcacheCallback(rule_cache_invalidate, (Datum) 0);
}

/* Frees the plans of a list before its memory context is deleted. */
static void
forget_plans(void *arg)
{
	RuleList *list = arg;

	for (int i = 0; i < list->count; i++)
	{
		for (int query = 0; query < RULE_QUERIES; query++)
			query_forget(&list->rules[i].queries[query]);
	}
}

static RuleOnError
on_error_named(const char *name)
{
	if (strcmp(name, "abort") == 0)
		return RULE_ABORT;
	return strcmp(name, "warn") == 0 ? RULE_WARN : RULE_SUSPEND;
}

static RuleOperation
operation_named(const char *name)
{
	if (strcmp(name, "insert") == 0)
		return RULE_INSERT;
	return strcmp(name, "update") == 0 ? RULE_UPDATE : RULE_DELETE;
}

/* Fills a rule of a table from a row of the result. */
static void
load_rule(Rule *rule, uint64 row, Oid table, const char *relation)
{
	bool isnull;

	rule->id = DatumGetInt32(query_value(row, 1, &isnull));
	rule->name = query_text(row, 2);
	rule->table = table;
	rule->relation = relation;
	for (int query = 0; query < RULE_QUERIES; query++)
	{
		rule->queries[query].name = rule->name;
		rule->queries[query].text = query_text(row, 3 + query);
	}
	rule->queries[RULE_RETRACT].latest = rule->queries[RULE_LOCK].text != NULL;
	rule->on_error = on_error_named(query_text(row, 7));
	rule->rights.room_prefixes = DatumGetArrayTypePCopy(query_value(row, 8, &isnull));
	rule->rights.counters = DatumGetArrayTypePCopy(query_value(row, 9, &isnull));
	rule->operation = operation_named(query_text(row, 10));
	rule->suspended = DatumGetBool(query_value(row, 11, &isnull));
	rule->change = query_text(row, 12);
	rule->source = DatumGetObjectId(query_value(row, 13, &isnull));
}

static Oid
owner_of(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid owner = HeapTupleIsValid(tuple) ? ((Form_pg_class) GETSTRUCT(tuple))->relowner : InvalidOid;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return owner;
}

/* Returns a table and the partitioned tables of its owner above it: their rules apply to the table. */
static Datum
tables_with_rules(Relation relation)
{
	List *ancestors = relation->rd_rel->relispartition ? get_partition_ancestors(RelationGetRelid(relation)) : NIL;
	Datum *tables = palloc(sizeof(Datum) * (list_length(ancestors) + 1));
	int count = 0;
	ListCell *cell;

	tables[count++] = ObjectIdGetDatum(RelationGetRelid(relation));
	foreach (cell, ancestors)
	{
		if (owner_of(lfirst_oid(cell)) == relation->rd_rel->relowner)
			tables[count++] = ObjectIdGetDatum(lfirst_oid(cell));
	}
	return PointerGetDatum(construct_array(tables, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

/* Returns an empty list with space for so many rules.  Its plans are freed with the memory context. */
static RuleList *
make_list(uint64 rules, MemoryContext context)
{
	RuleList *list = MemoryContextAllocZero(context, sizeof(RuleList));
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	list->rules = MemoryContextAllocZero(context, sizeof(Rule) * (rules + 1));
	callback->func = forget_plans;
	callback->arg = list;
	MemoryContextRegisterResetCallback(context, callback);
	return list;
}

/* Loads the rules of a table into a memory context, a list for each operation. */
static void
load_lists(RuleList **lists, Relation relation, MemoryContext context)
{
	Datum tables = tables_with_rules(relation);
	uint64 rows = query_run(&load_rules, 1, &tables, NULL);
	MemoryContext caller = MemoryContextSwitchTo(context);
	const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												  RelationGetRelationName(relation));

	for (int operation = 0; operation < RULE_OPERATIONS; operation++)
		lists[operation] = make_list(rows, context);
	for (uint64 row = 0; row < rows; row++)
	{
		RuleList *list = lists[operation_named(query_text(row, 10))];

		load_rule(&list->rules[list->count++], row, RelationGetRelid(relation), name);
	}
	MemoryContextSwitchTo(caller);
}

/* Loads a set.  After an error it is empty, and the next call loads it. */
static void
load_set(RuleSet *set, Relation relation)
{
	RuleList *lists[RULE_OPERATIONS];
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald rule set", ALLOCSET_SMALL_SIZES);
	QueryScope scope;

	if (set->context != NULL)
		MemoryContextSetParent(set->context, TopTransactionContext);
	set->context = NULL;
	set->valid = true; /* an invalidation from here on counts */
	query_begin(&scope);
	load_lists(lists, relation, context);
	query_end(&scope);
	MemoryContextSetParent(context, CacheMemoryContext);
	set->context = context;
	memcpy(set->lists, lists, sizeof(lists));
}

const RuleList *
rule_cache_list(Relation relation, RuleOperation operation)
{
	Oid relid = RelationGetRelid(relation);
	bool found;
	RuleSet *set = hash_search(rule_cache, &relid, HASH_ENTER, &found);

	Assert(operation >= 0 && operation < RULE_OPERATIONS);
	if (!found)
	{
		set->valid = false;
		set->context = NULL;
	}
	if (!set->valid || set->context == NULL)
		load_set(set, relation);
	return set->lists[operation];
}

/* Returns whether a rule is another one, or has replaced it: a rule that is watched again gets another id. */
static bool
is_same_rule(const Rule *a, const Rule *b)
{
	return a->source == b->source && strcmp(a->name, b->name) == 0 && strcmp(a->change, b->change) == 0;
}

Rule *
rule_cache_reload(Rule *rule)
{
	Relation relation = table_open(rule->table, NoLock); /* the statement has locked it */
	const RuleList *list = rule_cache_list(relation, rule->operation);

	table_close(relation, NoLock);
	for (int i = 0; i < list->count; i++)
	{
		if (is_same_rule(&list->rules[i], rule))
			return &list->rules[i];
	}
	return NULL;
}

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

#include "access/table.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "name_marks.h"
#include "own_table.h"
#include "relation_change.h"
#include "write/rule_cache.h"

typedef struct RuleSetKey
{
	Oid relation;
	RuleOperation operation;
} RuleSetKey;

/* An entry of the cache: the rules of a table for an operation. */
typedef struct RuleSet
{
	RuleSetKey key;
	bool valid;
	MemoryContext context; /* holds the list; NULL: not loaded */
	RuleList *list;
} RuleSet;

static HTAB *rule_cache = NULL;

/* The columns of herald_internal.rule and of suspensions. */
enum
{
	RULE_ID = 1,
	RULE_NAME = 3,
	RULE_CHANGE = 4,
	RULE_OPERATION = 5,
	RULE_FIRST_QUERY = 6,
	RULE_ON_ERROR = 11,
	RULE_WITH_EVENT = 12,
	RULE_ROOM_PREFIXES = 13,
	RULE_COUNTERS = 14,
	RULE_RELATION = 2
};
#define SUSPENSION_RULE 1

static void
rule_cache_invalidate(Oid relation)
{
	HASH_SEQ_STATUS scan;
	RuleSet *set;

	for (int operation = 0; operation < RULE_OPERATIONS && OidIsValid(relation); operation++)
	{
		RuleSetKey key = { relation, operation };

		set = hash_search(rule_cache, &key, HASH_FIND, NULL);
		if (set != NULL)
			set->valid = false;
	}
	if (OidIsValid(relation))
		return;
	hash_seq_init(&scan, rule_cache);
	while ((set = hash_seq_search(&scan)) != NULL)
		set->valid = false;
}

void
rule_cache_init(void)
{
	HASHCTL control = { 0 };

	Assert(rule_cache == NULL);
	control.keysize = sizeof(RuleSetKey);
	control.entrysize = sizeof(RuleSet);
	rule_cache = hash_create("pg_herald rules", 32, &control, HASH_ELEM | HASH_BLOBS);
	relation_change_register(rule_cache_invalidate);
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

static char *
plain_text(char *sql)
{
	return sql == NULL ? NULL : name_marks_remove(sql);
}

/* Fills a rule of a table from a row of herald_internal.rule. */
static void
load_rule(Rule *rule, OwnScan *row, Oid table, const char *relation)
{
	bool isnull;

	rule->id = DatumGetInt32(own_scan_value(row, RULE_ID, &isnull));
	rule->name = own_scan_text(row, RULE_NAME);
	rule->table = table;
	rule->relation = relation;
	for (int query = 0; query < RULE_QUERIES; query++)
	{
		rule->queries[query].name = rule->name;
		rule->queries[query].text = plain_text(own_scan_text(row, RULE_FIRST_QUERY + query));
	}
	rule->queries[RULE_RETRACT].latest = rule->queries[RULE_LOCK].text != NULL;
	rule->rights.room_prefixes = DatumGetArrayTypePCopy(own_scan_value(row, RULE_ROOM_PREFIXES, &isnull));
	rule->rights.counters = DatumGetArrayTypePCopy(own_scan_value(row, RULE_COUNTERS, &isnull));
	rule->with_event = DatumGetBool(own_scan_value(row, RULE_WITH_EVENT, &isnull));
	rule->on_error = on_error_named(own_scan_text(row, RULE_ON_ERROR));
	rule->operation = operation_named(own_scan_text(row, RULE_OPERATION));
	rule->change = own_scan_text(row, RULE_CHANGE);
	rule->source = DatumGetObjectId(own_scan_value(row, RULE_RELATION, &isnull));
}

/* Returns the ids of all suspended rules. */
static List *
load_suspended(Snapshot snapshot)
{
	List *suspended = NIL;
	bool isnull;
	static const Oid types[] = { INT4OID };
	static OwnColumns columns = { .count = lengthof(types), .types = types };
	OwnScan row = own_scan_all("herald_internal", "suspension", &columns, snapshot);

	while (own_scan_next(&row))
		suspended = list_append_unique_int(suspended, DatumGetInt32(own_scan_value(&row, SUSPENSION_RULE, &isnull)));
	own_scan_end(&row);
	return suspended;
}

/* Returns the partitioned tables of its owner above a table, topmost first, and the table: their rules apply to it. */
static List *
tables_with_rules(Relation relation)
{
	List *ancestors = relation->rd_rel->relispartition ? get_partition_ancestors(RelationGetRelid(relation)) : NIL;
	List *tables = list_make1_oid(RelationGetRelid(relation));
	ListCell *cell;

	foreach (cell, ancestors)
	{
		if (table_owner(lfirst_oid(cell)) == relation->rd_rel->relowner)
			tables = lcons_oid(lfirst_oid(cell), tables);
	}
	return tables;
}

/* Returns an empty list.  Its plans are freed with the current memory context. */
static RuleList *
make_list(void)
{
	RuleList *list = palloc0(sizeof(RuleList));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = forget_plans;
	callback->arg = list;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return list;
}

/* Returns the next rule of a list, which has been cleared. */
static Rule *
add_rule(RuleList *list)
{
	Size size = sizeof(Rule) * (list->count + 1);
	Rule *added;

	list->rules = list->count == 0 ? palloc(size) : repalloc(list->rules, size);
	added = &list->rules[list->count++];
	memset(added, 0, sizeof(Rule));
	return added;
}

/* Adds the rules for an operation that were made for a table, or a partitioned table above it, to a list. */
static void
load_rules_of(RuleList *list, Oid source, RuleSetKey key, const char *relation, List *suspended, Snapshot snapshot)
{
	static const Oid types[] = { INT4OID, OWN_OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
								 TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, TEXTARRAYOID, OWN_ARRAY };
	static OwnColumns columns = { .count = lengthof(types), .types = types };
	OwnScan row = own_scan_few("herald_internal", "rule", "rule_relation_idx", &columns, RULE_RELATION, snapshot);

	own_scan_seek(&row, ObjectIdGetDatum(source));
	while (own_scan_next(&row))
	{
		Rule *rule;

		if (operation_named(own_scan_text(&row, RULE_OPERATION)) != key.operation)
			continue;
		rule = add_rule(list);
		load_rule(rule, &row, key.relation, relation);
		rule->suspended = list_member_int(suspended, rule->id);
	}
	own_scan_end(&row);
}

static int
compare_rules(const void *a, const void *b)
{
	int first = ((const Rule *) a)->id;
	int second = ((const Rule *) b)->id;

	return first < second ? -1 : first > second;
}

/*
 * Loads the rules of a table for an operation into the current memory context: those of the tables above it, and its
 * own, each in the order of the ids.  All of them are of one snapshot, the latest: the cache outlives this transaction
 * and must not be as old as its own.
 */
static RuleList *
load_list(RuleSetKey key, Relation relation)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	List *suspended = load_suspended(snapshot);
	const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												  RelationGetRelationName(relation));
	RuleList *list = make_list();
	ListCell *cell;

	foreach (cell, tables_with_rules(relation))
	{
		int before = list->count;

		load_rules_of(list, lfirst_oid(cell), key, name, suspended, snapshot);
		if (list->count > before + 1)
			qsort(list->rules + before, list->count - before, sizeof(Rule), compare_rules);
	}
	UnregisterSnapshot(snapshot);
	return list;
}

/* Loads a set.  After an error it is empty, and the next call loads it. */
static void
load_set(RuleSet *set, Relation relation)
{
	RuleList *list;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald rule set", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	if (set->context != NULL)
		MemoryContextSetParent(set->context, TopTransactionContext);
	set->context = NULL;
	set->valid = true; /* an invalidation from here on counts */
	list = load_list(set->key, relation);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, CacheMemoryContext);
	set->context = context;
	set->list = list;
}

const RuleList *
rule_cache_list(Relation relation, RuleOperation operation)
{
	RuleSetKey key = { RelationGetRelid(relation), operation };
	bool found;
	RuleSet *set = hash_search(rule_cache, &key, HASH_ENTER, &found);

	Assert(operation >= 0 && operation < RULE_OPERATIONS);
	if (!found)
	{
		set->valid = false;
		set->context = NULL;
	}
	if (!set->valid || set->context == NULL)
		load_set(set, relation);
	return set->list;
}

RuleList
rule_cache_own(Relation relation, RuleOperation operation)
{
	RuleList own = *rule_cache_list(relation, operation);

	while (own.count > 0 && own.rules->source != RelationGetRelid(relation))
	{
		own.rules++;
		own.count--;
	}
	return own;
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

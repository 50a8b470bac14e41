/*-------------------------------------------------------------------------
 *
 * table_checks.c
 *	  Caches the checks of access to the rooms of watched tables' rows.
 *
 * A check is compiled from the records of several tables, and a session that joins a
 * room must not wait for that.  So each backend keeps all checks until a table or a
 * membership of a role changes.  A change of a watched table's record counts as a
 * change of the table (watch_registry.c).  Temporary tables do not count: applications
 * make and drop them all the time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "query.h"
#include "read/room_check.h"
#include "read/table_checks.h"
#include "relation_change.h"

/* The columns of the result. */
enum
{
	CHECK_SQL,
	CHECK_ROLE,
	CHECK_COLUMNS
};

typedef struct TableCheck
{
	char *prefix; /* of the rooms */
	char *sql;
	Oid role;
} TableCheck;

#define MOST_CHANGES 64

static struct
{
	MemoryContext context; /* holds the checks; NULL: none are loaded */
	TableCheck *checks;
	int count;
	Oid *tables; /* those of the records from which they were compiled */
	int table_count;
	bool valid;
	Oid changes[MOST_CHANGES]; /* relations that have changed since the cache was looked at */
	int change_count;
} cache;

static SavedQuery compile_checks = {
	.name = "the compilation of checks of access",
	.text = "SELECT p.prefix, c.sql, c.run_as"
			" FROM (SELECT DISTINCT t.prefix FROM herald_internal.room_tables() AS t) AS p"
			" CROSS JOIN LATERAL herald_internal.compile_table_checks(p.prefix) AS c",
	.latest = true, /* the cache outlives this transaction and must not be as old as its snapshot */
};

static SavedQuery list_tables = {
	.name = "the list of tables with checks of access",
	.text = "SELECT w.relation::oid FROM herald_internal.watched_table AS w"
			" UNION SELECT t.relation::oid FROM herald_internal.room_tables() AS t",
	.latest = true,
};

/* Notes a change.  It must not ask the database what has changed. */
static void
on_relation_change(Oid relation)
{
	if (!OidIsValid(relation) || cache.change_count == MOST_CHANGES)
		cache.valid = false;
	else if (cache.valid)
		cache.changes[cache.change_count++] = relation;
}

static void
on_catalog_change(Datum argument, int id, uint32 hash)
{
	cache.valid = false;
}

void
table_checks_init(void)
{
	relation_change_register(on_relation_change);
	CacheRegisterSyscacheCallback(AUTHOID, on_catalog_change, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, on_catalog_change, (Datum) 0);
}

static void
take_check(TableCheck *check, uint64 row)
{
	bool isnull;

	check->prefix = query_text(row, 1);
	check->sql = query_text(row, 2);
	check->role = DatumGetObjectId(query_value(row, 3, &isnull));
}

/* Returns whether a relation is temporary, or was: one of the kept checks' tables never is. */
static bool
is_temporary(Oid relation)
{
	for (int i = 0; i < cache.table_count; i++)
	{
		if (cache.tables[i] == relation)
			return false;
	}
	return get_rel_relkind(relation) == '\0' || get_rel_persistence(relation) == RELPERSISTENCE_TEMP;
}

/* Drops the checks if a relation that counts has changed.  To look may bring the next change. */
static void
look_at_changes(void)
{
	for (int i = 0; cache.valid && i < cache.change_count; i++)
		cache.valid = is_temporary(cache.changes[i]);
	cache.change_count = 0;
}

/* Returns the checks of the result, in the current memory. */
static TableCheck *
take_checks(uint64 rows)
{
	TableCheck *checks = palloc0(sizeof(TableCheck) * (rows + 1));

	for (uint64 row = 0; row < rows; row++)
		take_check(&checks[row], row);
	return checks;
}

static Oid *
take_tables(uint64 rows)
{
	Oid *tables = palloc(sizeof(Oid) * (rows + 1));
	bool isnull;

	for (uint64 row = 0; row < rows; row++)
		tables[row] = DatumGetObjectId(query_value(row, 1, &isnull));
	return tables;
}

/* After an error the old checks are not valid, and the next call compiles them. */
static void
load_checks(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald table checks", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = CurrentMemoryContext;
	TableCheck *checks;
	Oid *tables;
	uint64 count;
	uint64 table_count;

	cache.valid = true; /* a change from here on counts */
	cache.change_count = 0;
	PG_TRY();
	{
		count = query_run(&compile_checks, 1, NULL, NULL);
		MemoryContextSwitchTo(context);
		checks = take_checks(count);
		MemoryContextSwitchTo(caller);
		table_count = query_run(&list_tables, 1, NULL, NULL);
		MemoryContextSwitchTo(context);
		tables = take_tables(table_count);
		MemoryContextSwitchTo(caller);
	}
	PG_CATCH();
	{
		cache.valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (cache.context != NULL)
		MemoryContextDelete(cache.context);
	MemoryContextSetParent(context, CacheMemoryContext);
	cache.context = context;
	cache.checks = checks;
	cache.count = (int) count;
	cache.tables = tables;
	cache.table_count = (int) table_count;
}

/* Copies the checks: while one runs, the cache may be loaded again. */
List *
table_checks_find(const char *prefix)
{
	List *found = NIL;

	look_at_changes();
	if (!cache.valid)
		load_checks();
	for (int i = 0; i < cache.count; i++)
	{
		RoomCheckQuery *query;

		if (strcmp(cache.checks[i].prefix, prefix) != 0)
			continue;
		query = palloc0(sizeof(RoomCheckQuery));
		query->sql = pstrdup(cache.checks[i].sql);
		query->role = cache.checks[i].role;
		found = lappend(found, query);
	}
	return found;
}

PG_FUNCTION_INFO_V1(herald_table_checks);

/* herald_internal.table_checks(prefix) returns the checks of the rooms with the prefix. */
Datum
herald_table_checks(PG_FUNCTION_ARGS)
{
	char *prefix = text_to_cstring(PG_GETARG_TEXT_PP(0));
	TupleDesc shape;
	Tuplestorestate *out = query_result_begin(fcinfo, &shape);
	QueryScope scope;
	ListCell *cell;

	Assert(shape->natts == CHECK_COLUMNS);
	query_begin(&scope);
	foreach (cell, table_checks_find(prefix))
	{
		const RoomCheckQuery *query = lfirst(cell);
		Datum values[CHECK_COLUMNS];
		bool nulls[CHECK_COLUMNS] = { false };

		values[CHECK_SQL] = CStringGetTextDatum(query->sql);
		values[CHECK_ROLE] = ObjectIdGetDatum(query->role);
		tuplestore_putvalues(out, shape, values, nulls);
	}
	query_end(&scope);
	return (Datum) 0;
}

/*-------------------------------------------------------------------------
 *
 * table_checks.c
 *	  Caches the checks of access to the rooms of watched tables' rows.
 *
 * A check is compiled from the records of several tables, and a session that joins a
 * room must not wait for that.  So each backend keeps all checks until any table or
 * any membership of a role changes.  A change of a watched table's record counts as a
 * change of the table (watch_registry.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
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

static struct
{
	MemoryContext context; /* holds the checks; NULL: none are loaded */
	TableCheck *checks;
	int count;
	bool valid;
} cache;

static SavedQuery compile_checks = {
	.name = "the compilation of checks of access",
	.text = "SELECT p.prefix, c.sql, c.run_as"
			" FROM (SELECT DISTINCT t.prefix FROM herald_internal.room_tables() AS t) AS p"
			" CROSS JOIN LATERAL herald_internal.compile_table_checks(p.prefix) AS c",
	.latest = true, /* the cache outlives this transaction and must not be as old as its snapshot */
};

static void
on_relation_change(Oid relation)
{
	cache.valid = false;
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

/* After an error the old checks are not valid, and the next call compiles them. */
static void
load_checks(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald table checks", ALLOCSET_SMALL_SIZES);
	MemoryContext caller;
	TableCheck *checks;
	uint64 rows;

	cache.valid = true; /* a change from here on counts */
	PG_TRY();
	{
		rows = query_run(&compile_checks, 1, NULL, NULL);
	}
	PG_CATCH();
	{
		cache.valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	caller = MemoryContextSwitchTo(context);
	checks = palloc0(sizeof(TableCheck) * (rows + 1));
	for (uint64 row = 0; row < rows; row++)
		take_check(&checks[row], row);
	MemoryContextSwitchTo(caller);
	if (cache.context != NULL)
		MemoryContextDelete(cache.context);
	MemoryContextSetParent(context, CacheMemoryContext);
	cache.context = context;
	cache.checks = checks;
	cache.count = (int) rows;
}

/* Copies the checks: while one runs, the cache may be loaded again. */
List *
table_checks_find(const char *prefix)
{
	List *found = NIL;

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

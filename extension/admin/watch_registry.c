/*-------------------------------------------------------------------------
 *
 * watch_registry.c
 *	  Saves rules and the other records of watched tables, for the tables' owners.
 *
 * The SQL functions that compile rules run as their caller and end here:
 *
 * 1. The caller must own the table.
 *
 * 2. The owner of the extension writes the record, and the caches of all backends
 *	  are invalidated.  A record that decides about rooms must not conflict with one
 *	  of another owner.
 *
 * 3. The owner of the table rehearses the record: its queries run once over no
 *	  rows.  A mistake, a missing column or a missing privilege is an error now, and
 *	  not in an INSERT of the application.  Then the SQL is saved again, with marks
 *	  that let it follow renames (name_marker.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "admin/name_marker.h"
#include "admin/owned_table.h"
#include "query.h"
#include "write/rule.h"
#include "write/schedule.h"
#include "write/user_block.h"

/* The statements.  The parameters of each are the arguments of its SQL function. */

static SavedQuery save_rule = {
	.name = "the insert of a rule",
	.text = "INSERT INTO herald_internal.rule"
			" (relation, name, change, operation, notify, publish, lock, retract, on_error, schedule, with_event,"
			" room_prefixes, counters)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
			" ARRAY(SELECT s.prefix FROM herald_internal.room_source AS s WHERE s.relation = $1),"
			" ARRAY(SELECT c.id FROM herald_internal.counter AS c WHERE c.relation = $1))"
			" ON CONFLICT (relation, name, change, operation) DO UPDATE SET notify = excluded.notify,"
			" publish = excluded.publish, lock = excluded.lock, retract = excluded.retract,"
			" on_error = excluded.on_error, schedule = excluded.schedule, with_event = excluded.with_event,"
			" room_prefixes = excluded.room_prefixes, counters = excluded.counters"
			" RETURNING id",
	.nargs = 11,
	.argtypes = { REGCLASSOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
				  BOOLOID },
};

static SavedQuery delete_rules = {
	.name = "the removal of rules",
	.text = "WITH gone AS (DELETE FROM herald_internal.rule WHERE relation = $1 AND ($2 IS NULL OR name = $2) RETURNING 1),"
			" call AS (DELETE FROM herald_internal.watched_table WHERE relation = $1 AND kind = 'rule ' || $2)"
			" SELECT count(*)::int FROM gone",
	.nargs = 2,
	.argtypes = { REGCLASSOID, TEXTOID },
};

static SavedQuery save_counter = {
	.name = "the insert of a counter",
	.text = "WITH saved AS ("
			" INSERT INTO herald_internal.counter (relation, field, count_sql, subject_type, owner_sql)"
			" VALUES ($1, $2, $3, $4, $5)"
			" ON CONFLICT (relation, field, coalesce(subject_type, '')) DO UPDATE SET count_sql = excluded.count_sql,"
			" owner_sql = excluded.owner_sql RETURNING id),"
			" allowed AS ("
			" UPDATE herald_internal.rule AS r SET counters = r.counters || s.id FROM saved AS s"
			" WHERE r.relation = $1 AND s.id <> ALL (r.counters))"
			" SELECT id FROM saved",
	.nargs = 5,
	.argtypes = { REGCLASSOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID },
};

static SavedQuery save_room_source = {
	.name = "the insert of a source of rooms",
	.text = "WITH saved AS ("
			" INSERT INTO herald_internal.room_source (relation, kind, sql) VALUES ($1, $2, $3)"
			" ON CONFLICT (relation, kind) DO UPDATE SET sql = excluded.sql RETURNING prefix),"
			" allowed AS ("
			" UPDATE herald_internal.rule AS r SET room_prefixes = r.room_prefixes || s.prefix FROM saved AS s"
			" WHERE r.relation = $1 AND s.prefix <> ALL (r.room_prefixes))"
			" SELECT 0",
	.nargs = 3,
	.argtypes = { REGCLASSOID, TEXTOID, TEXTOID },
};

static SavedQuery save_block_source = {
	.name = "the insert of a source of blocks",
	.text = "WITH gone AS (DELETE FROM herald_internal.suspension WHERE blocks = $1)"
			" INSERT INTO herald_internal.block_source (relation, sql, owner)"
			" VALUES ($1, $2, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = $1))"
			" ON CONFLICT (relation) DO UPDATE SET sql = excluded.sql, owner = excluded.owner RETURNING 0",
	.nargs = 2,
	.argtypes = { REGCLASSOID, TEXTOID },
};

static SavedQuery save_watched = {
	.name = "the insert of a watched table",
	.text = "INSERT INTO herald_internal.watched_table (relation, kind, arguments)"
			" VALUES ($1, $2, $3 || pg_catalog.jsonb_build_object('names', herald_internal.present_names($1, $3),"
			" 'table_owner', (SELECT c.relowner::regrole::text FROM pg_catalog.pg_class AS c WHERE c.oid = $1)))"
			" ON CONFLICT (relation, kind) DO UPDATE SET arguments = excluded.arguments RETURNING 0",
	.nargs = 3,
	.argtypes = { REGCLASSOID, TEXTOID, JSONBOID },
};

static SavedQuery delete_watched = {
	.name = "the removal of a watched table",
	.text = "WITH r AS (DELETE FROM herald_internal.rule WHERE relation = $1),"
			" s AS (DELETE FROM herald_internal.room_source WHERE relation = $1),"
			" c AS (DELETE FROM herald_internal.counter WHERE relation = $1),"
			" b AS (DELETE FROM herald_internal.block_source WHERE relation = $1),"
			" d AS (DELETE FROM herald_internal.due WHERE relation = $1)"
			" DELETE FROM herald_internal.watched_table WHERE relation = $1",
	.nargs = 1,
	.argtypes = { REGCLASSOID },
};

/* Raises an error if rooms would belong to the owners of several tables or policies. */
static SavedQuery check_rooms = {
	.name = "the check of rooms",
	.text = "SELECT herald_internal.check_watched_rooms($1, $2)",
	.nargs = 2,
	.argtypes = { REGCLASSOID, TEXTOID },
};

/* The values of a statement: copies of the function's arguments, which belong to its caller. */
typedef struct Values
{
	Datum values[QUERY_MAX_ARGS];
	char nulls[QUERY_MAX_ARGS + 1];
} Values;

static Values
values_of(const SavedQuery *statement, FunctionCallInfo fcinfo)
{
	Values copied = { 0 };

	Assert(PG_NARGS() == statement->nargs);
	for (int i = 0; i < statement->nargs; i++)
	{
		copied.values[i] = PG_GETARG_DATUM(i);
		copied.nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	return copied;
}

/* Runs a statement and returns the number that it returns, or 0. */
static int
run_statement(SavedQuery *statement, Values values)
{
	bool isnull;

	if (query_run(statement, 1, values.values, values.nulls) == 0 || SPI_tuptable == NULL)
		return 0;
	return DatumGetInt32(query_value(0, 1, &isnull));
}

/* Runs the queries of the new record over no rows, as the owner of the table. */
typedef void (*Rehearsal)(Relation relation, FunctionCallInfo fcinfo, int id);

/* Runs the check for the table and the kind of the new record, its first two arguments. */
static void
run_room_check(FunctionCallInfo fcinfo)
{
	Datum values[2] = { PG_GETARG_DATUM(0), PG_GETARG_DATUM(1) };

	query_run(&check_rooms, 1, values, NULL);
}

/* Invalidates the cached rules of a table and of its partitions in all backends. */
static void
reload_rules(Oid relation)
{
	ListCell *part;

	foreach (part, find_all_inheritors(relation, NoLock, NULL))
		CacheInvalidateRelcacheByRelid(lfirst_oid(part));
}

/* The arguments of a statement that are SQL, and the type of its parameter. */
typedef struct SqlArguments
{
	const SavedQuery *statement;
	int first;
	int last;
	Oid parameter;
} SqlArguments;

static const SqlArguments sql_arguments[] = {
	{ &save_rule, 4, 7, InvalidOid },
	{ &save_rule, 9, 9, InvalidOid },
	{ &save_counter, 2, 2, TEXTARRAYOID },
	{ &save_counter, 4, 4, TEXTOID },
	{ &save_room_source, 2, 2, TEXTARRAYOID },
	{ &save_block_source, 1, 1, InvalidOid },
};

/* Puts marks into the SQL of a record, with which it follows renames, and saves it again. */
static void
save_marked(QueryScope *scope, SavedQuery *statement, Values values)
{
	for (int i = 0; i < lengthof(sql_arguments); i++)
	{
		const SqlArguments *sql = &sql_arguments[i];

		for (int n = sql->first; sql->statement == statement && n <= sql->last; n++)
		{
			NamesToMark names = { DatumGetObjectId(values.values[0]), "", NULL, "", sql->parameter };

			if (values.nulls[n] == 'n')
				continue;
			names.sql = TextDatumGetCString(values.values[n]);
			values.values[n] = CStringGetTextDatum(name_marker_mark(&names));
		}
	}
	query_reclaim(scope);
	run_statement(statement, values);
}

/* Takes the three steps and returns the id of the record, if it has one. */
static int
register_change(FunctionCallInfo fcinfo, SavedQuery *statement, Rehearsal rehearse)
{
	Relation relation;
	QueryScope scope;
	Values values;
	int id;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("\"relation\" must not be null"), errhint("Pass the table.")));
	relation = owned_table_open(PG_GETARG_OID(0));
	query_begin(&scope);
	values = values_of(statement, fcinfo);
	id = run_statement(statement, values);
	reload_rules(RelationGetRelid(relation));
	CacheInvalidateRelcacheByRelid(query_own_table("block_source"));
	CommandCounterIncrement();
	if (statement == &save_watched || statement == &save_room_source)
		run_room_check(fcinfo);
	if (rehearse != NULL)
	{
		query_lend(&scope, relation->rd_rel->relowner);
		rehearse(relation, fcinfo, id);
		save_marked(&scope, statement, values);
	}
	query_end(&scope);
	table_close(relation, NoLock);
	return id;
}

static void
rehearse_rule(Relation relation, FunctionCallInfo fcinfo, int id)
{
	Tuplestorestate *none = tuplestore_begin_heap(false, false, work_mem);

	query_offer("herald_new", none, NULL, RelationGetRelid(relation));
	query_offer("herald_old", none, NULL, RelationGetRelid(relation));
	rule_rehearse(relation, id);
	tuplestore_end(none);
}

/* Runs a query for a null id, which every type of id accepts, and checks the types of its columns. */
static void
rehearse_query(const char *name, const text *sql, Oid argument, const Oid *types, int columns)
{
	SavedQuery query = { .name = name, .text = text_to_cstring(sql), .nargs = 1, .argtypes = { argument } };
	Datum null_id = (Datum) 0;

	query_run(&query, 1, &null_id, "n");
	query_check_types(&query, types, columns);
	query_forget(&query);
}

PG_FUNCTION_INFO_V1(herald_rehearse);

/* herald_internal.rehearse(relation, query) runs a query with two null texts, as the owner of the table. */
Datum
herald_rehearse(PG_FUNCTION_ARGS)
{
	SavedQuery query = { .name = "the query", .text = text_to_cstring(PG_GETARG_TEXT_PP(1)), .nargs = 2, .argtypes = { TEXTOID, TEXTOID }, .read_only = true };
	Relation relation = owned_table_open(PG_GETARG_OID(0));
	Datum null_ids[2] = { 0 };
	QueryScope scope;

	query_begin(&scope);
	query_lend(&scope, relation->rd_rel->relowner);
	query_run(&query, 1, null_ids, "nn");
	query_forget(&query);
	query_end(&scope);
	table_close(relation, NoLock);
	PG_RETURN_VOID();
}

static void
rehearse_counter(Relation relation, FunctionCallInfo fcinfo, int id)
{
	static const Oid types[] = { INT8OID, INT8OID };
	static const Oid owner = TEXTOID;

	rehearse_query("the query of a counter", PG_GETARG_TEXT_PP(2), TEXTARRAYOID, types, lengthof(types));
	if (!PG_ARGISNULL(4))
		rehearse_query("the query for the owner of a subject", PG_GETARG_TEXT_PP(4), TEXTOID, &owner, 1);
}

static void
rehearse_room_source(Relation relation, FunctionCallInfo fcinfo, int id)
{
	static const Oid types[] = { TEXTOID, TEXTOID };

	rehearse_query("the query of a source of rooms", PG_GETARG_TEXT_PP(2), TEXTARRAYOID, types, lengthof(types));
}

/* Runs the query over no pairs. */
static void
rehearse_block_source(Relation relation, FunctionCallInfo fcinfo, int id)
{
	Tuplestorestate *none = tuplestore_begin_heap(false, false, work_mem);
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);
	SavedQuery query = { .name = "the query for blocks", .text = text_to_cstring(PG_GETARG_TEXT_PP(1)) };

	query_offer("herald_pair", none, user_block_pair_shape(), InvalidOid);
	query_run_into(&query, 0, NULL, found, user_block_shape());
	query_forget(&query);
	tuplestore_end(found);
	tuplestore_end(none);
}

PG_FUNCTION_INFO_V1(herald_schedule_rows);

/* herald_internal.schedule_rows(relation, query) schedules the rows that a query returns, as the owner of the table. */
Datum
herald_schedule_rows(PG_FUNCTION_ARGS)
{
	SavedQuery query = { .name = "the query for scheduled rows", .text = text_to_cstring(PG_GETARG_TEXT_PP(1)) };
	Relation relation = owned_table_open(PG_GETARG_OID(0));
	QueryScope scope;
	Tuplestorestate *rows;
	Tuplestorestate *records;

	query_begin(&scope);
	rows = tuplestore_begin_heap(false, false, work_mem);
	records = tuplestore_begin_heap(false, false, work_mem);
	query_lend(&scope, relation->rd_rel->relowner);
	query_run_into(&query, 1, NULL, rows, schedule_shape());
	query_reclaim(&scope);
	schedule_collect(rows, RelationGetRelid(relation), records);
	schedule_write(records);
	query_forget(&query);
	tuplestore_end(rows);
	tuplestore_end(records);
	query_end(&scope);
	table_close(relation, NoLock);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(herald_save_rule);
PG_FUNCTION_INFO_V1(herald_delete_rules);
PG_FUNCTION_INFO_V1(herald_save_counter);
PG_FUNCTION_INFO_V1(herald_save_room_source);
PG_FUNCTION_INFO_V1(herald_save_block_source);
PG_FUNCTION_INFO_V1(herald_save_watched);
PG_FUNCTION_INFO_V1(herald_forget_table);
PG_FUNCTION_INFO_V1(herald_reload_rules);

Datum
herald_save_rule(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(6) && PG_ARGISNULL(7)) /* "lock" and "retract" */
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a rule with a query to lock causes needs one to retract them")));
	PG_RETURN_INT32(register_change(fcinfo, &save_rule, rehearse_rule));
}

Datum
herald_delete_rules(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(register_change(fcinfo, &delete_rules, NULL));
}

Datum
herald_save_counter(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(register_change(fcinfo, &save_counter, rehearse_counter));
}

Datum
herald_save_room_source(PG_FUNCTION_ARGS)
{
	register_change(fcinfo, &save_room_source, rehearse_room_source);
	PG_RETURN_VOID();
}

Datum
herald_save_block_source(PG_FUNCTION_ARGS)
{
	register_change(fcinfo, &save_block_source, rehearse_block_source);
	PG_RETURN_VOID();
}

Datum
herald_save_watched(PG_FUNCTION_ARGS)
{
	register_change(fcinfo, &save_watched, NULL);
	PG_RETURN_VOID();
}

Datum
herald_forget_table(PG_FUNCTION_ARGS)
{
	QueryScope scope;

	if (PG_ARGISNULL(0) || get_rel_relkind(PG_GETARG_OID(0)) != '\0')
	{
		register_change(fcinfo, &delete_watched, NULL);
		PG_RETURN_VOID();
	}
	/* A dropped table has no owner, and its records serve nobody: any role may delete them. */
	query_begin(&scope);
	run_statement(&delete_watched, values_of(&delete_watched, fcinfo));
	CacheInvalidateRelcacheByRelid(query_own_table("block_source"));
	query_end(&scope);
	PG_RETURN_VOID();
}

Datum
herald_reload_rules(PG_FUNCTION_ARGS)
{
	if (get_rel_relkind(PG_GETARG_OID(0)) != '\0')
		reload_rules(PG_GETARG_OID(0));
	CacheInvalidateRelcacheByRelid(query_own_table("block_source"));
	PG_RETURN_VOID();
}

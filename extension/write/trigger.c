/*-------------------------------------------------------------------------
 *
 * trigger.c
 *	  The trigger function of all watched tables: passes the changed rows to the
 *	  rules of the table, and their output to the inbox and the event log.
 *
 * The trigger runs once per statement, for any number of rows.  The server collects no
 * rows of foreign tables, so that a table with a foreign partition has triggers for each
 * row instead (herald_internal.needed_triggers()): each row is then a statement of its own.
 *
 * The rules' queries
 * run as the owner of the table, each rule on a loan of the scope (query.h): a rule can
 * read exactly as much as that owner, and no setting that it changes outlives it.  The
 * writes run as the owner of the extension.  The role that wrote to the table needs no
 * privilege of the extension.
 *
 * When the time of a scheduled row comes (schedule.c), no statement writes it.  Its rules
 * then run in the same way, over the row as it is, and as it was before its time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "layout.h"
#include "query_rows.h"
#include "settings.h"
#include "time_limit.h"
#include "write/event_log.h"
#include "write/nested_change.h"
#include "write/notification.h"
#include "write/retraction.h"
#include "write/rule.h"
#include "write/schedule.h"

/* How long the rules may run for rows that are due. */
#define DUE_LIMIT_MS 2000

static void
check_call(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("herald_internal.on_change() must be called by an AFTER trigger"),
						errhint("herald.watch() makes such triggers.")));
}

static RuleOperation
operation_of(TriggerData *trigger)
{
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return RULE_INSERT;
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return RULE_UPDATE;
	return RULE_DELETE;
}

/* Returns a tuplestore with a row, which lives as long as the call. */
static Tuplestorestate *
single_row(TupleTableSlot *slot)
{
	Tuplestorestate *row = tuplestore_begin_heap(false, false, work_mem);

	tuplestore_puttupleslot(row, slot);
	return row;
}

static ChangedRows
changed_rows(TriggerData *trigger)
{
	ChangedRows rows = { trigger->tg_newtable, trigger->tg_oldtable };

	if (TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		return rows;
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		rows.new = single_row(trigger->tg_trigslot);
	else
		rows.old = single_row(trigger->tg_trigslot);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		rows.new = single_row(trigger->tg_newslot);
	return rows;
}

static int64
count_rows(ChangedRows rows)
{
	Tuplestorestate *changed = rows.new != NULL ? rows.new : rows.old;

	return changed != NULL ? tuplestore_tuple_count(changed) : 0;
}

/* Offers the rows to the queries of the scope, as transition tables. */
static void
offer_rows(QueryScope *scope, ChangedRows rows, Oid relation)
{
	if (rows.new != NULL)
		query_rows_offer(scope, "herald_new", rows.new, NULL, relation);
	if (rows.old != NULL)
		query_rows_offer(scope, "herald_old", rows.old, NULL, relation);
}

/* Locks the causes that the rules returned, and runs the queries that need the lock. */
static void
apply_rules_after_lock(QueryScope *scope, Oid owner, const RuleList *rules, int64 rows, RuleOutput *output)
{
	retraction_lock(owner, output->to_lock);
	rule_run_all_after_lock(scope, owner, rules, rows, output);
}

static void
apply_rules(Relation relation, const RuleList *rules, ChangedRows changed)
{
	Oid owner = relation->rd_rel->relowner;
	int64 rows = count_rows(changed);
	QueryScope scope;
	RuleOutput output = { 0 };
	Tuplestorestate *published;
	Tuplestorestate *announced;

	Assert(rules->count > 0 && rows > 0);
	query_open(&scope);
	offer_rows(&scope, changed, RelationGetRelid(relation));
	rule_run_all(&scope, owner, rules, rows, &output);
	if (output.to_lock != NULL && tuplestore_tuple_count(output.to_lock) > 0)
		apply_rules_after_lock(&scope, owner, rules, rows, &output);
	rule_count_missed(rules, rows);
	published = rule_output_store(&output.published);
	announced = tuplestore_begin_heap(false, false, work_mem);
	if (output.retracted != NULL)
		retraction_write(owner, output.retracted, published);
	if (output.candidates != NULL)
		notification_write(&scope, owner, output.candidates, published, announced);
	event_log_append_all(published, announced);
	tuplestore_end(announced);
	if (output.scheduled != NULL)
		schedule_write(output.scheduled);
	rule_output_end(&output);
	query_end(&scope);
}

static void
apply_rules_for(Relation relation, RuleOperation operation, ChangedRows changed)
{
	const RuleList *rules = rule_cache_list(relation, operation);

	if (rules->count > 0)
		apply_rules(relation, rules, changed);
}

/* Follows a TRUNCATE.  The trigger exists if a rule schedules rows, or rechecks the access that they grant. */
static void
follow_truncate(Oid relation)
{
	static SavedQuery follow = {
		.name = "the query for a truncated table",
		.text = "SELECT herald_internal.follow_truncate($1)",
		.nargs = 1,
		.argtypes = { REGCLASSOID },
	};
	Datum value = ObjectIdGetDatum(relation);
	QueryScope scope;

	query_begin(&scope);
	query_run(&follow, 1, &value, NULL);
	query_end(&scope);
}

/* Returns whether the rules of this SQL can run.  Warns once in a session if not: the write passes. */
static bool
can_run_rules(void)
{
	static bool warned = false;

	if (!warned)
		layout_check(WARNING);
	warned = !layout_fits();
	return !warned;
}

PG_FUNCTION_INFO_V1(herald_on_change);

/* herald_internal.on_change() is the trigger function. */
Datum
herald_on_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	ChangedRows rows;
	RowChanges changes;

	check_call(fcinfo);
	if (!herald_enabled || !can_run_rules())
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		follow_truncate(RelationGetRelid(trigger->tg_relation));
		return PointerGetDatum(NULL);
	}
	rows = changed_rows(trigger);
	changes = nested_change_resolve(trigger, operation_of(trigger), rows);
	for (int operation = 0; operation < RULE_OPERATIONS; operation++)
	{
		if (count_rows(changes.of[operation]) > 0)
			apply_rules_for(trigger->tg_relation, operation, changes.of[operation]);
	}
	nested_change_end(&changes, rows);
	return PointerGetDatum(NULL);
}

/* Returns the rows of a table that a query returns for ids, as the owner of the table. */
static Tuplestorestate *
due_rows(Relation relation, const char *sql, const Datum *ids)
{
	SavedQuery query = { .name = "the query for rows that are due", .text = sql, .nargs = 2, .argtypes = { TEXTARRAYOID, TEXTARRAYOID } };
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	QueryScope scope;

	query_begin(&scope);
	query_lend(&scope, relation->rd_rel->relowner);
	query_run_into(&query, 1, ids, rows, RelationGetDescr(relation));
	query_forget(&query);
	query_end(&scope);
	return rows;
}

/* Returns a time that is still to come in any time zone, as a value of a column: a domain may forbid infinity. */
static Datum
coming_time(Relation relation, AttrNumber column)
{
	Oid type = getBaseType(TupleDescAttr(RelationGetDescr(relation), column - 1)->atttypid);
	TimestampTz later = GetCurrentTransactionStartTimestamp() + 2 * USECS_PER_DAY;

	switch (type)
	{
		case DATEOID:
			return DateADTGetDatum((DateADT) (later / USECS_PER_DAY));
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return TimestampTzGetDatum(later);
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column \"%s\" of table \"%s\" is of type %s, and has no time",
								   NameStr(TupleDescAttr(RelationGetDescr(relation), column - 1)->attname),
								   RelationGetRelationName(relation), format_type_be(type))));
	}
}

/* Returns the rows as they were before their time came, in the same order: as if it were still to come. */
static Tuplestorestate *
rows_before(Relation relation, Tuplestorestate *rows, AttrNumber column)
{
	TupleDesc shape = RelationGetDescr(relation);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
	Tuplestorestate *before = tuplestore_begin_heap(false, false, work_mem);
	Datum later = coming_time(relation, column);

	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		slot_getallattrs(slot);
		slot->tts_values[column - 1] = later;
		slot->tts_isnull[column - 1] = false;
		tuplestore_putvalues(before, shape, slot->tts_values, slot->tts_isnull);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_rescan(rows);
	return before;
}

/* The rows of a table that are due, as a query returns them for ids. */
typedef struct DueRun
{
	Relation relation;
	const char *sql;
	Datum ids[2];	   /* and the tables that were emptied meanwhile, of each id */
	AttrNumber column; /* with the time */
	int64 count;	   /* of the rows, after the run */
} DueRun;

static void
run_due(void *argument)
{
	DueRun *run = argument;
	RuleList rules = rule_cache_own(run->relation, RULE_UPDATE);
	ChangedRows changed;

	changed.new = due_rows(run->relation, run->sql, run->ids);
	changed.old = rows_before(run->relation, changed.new, run->column);
	run->count = count_rows(changed);
	if (run->count > 0 && rules.count > 0)
		apply_rules(run->relation, &rules, changed);
	tuplestore_end(changed.new);
	tuplestore_end(changed.old);
}

PG_FUNCTION_INFO_V1(herald_run_due);

/*
 * herald_internal.run_due(relation, query, column, ids, emptied) runs the rules of a table, but not those of the tables
 * above it, for the rows that the query returns for ids, as an UPDATE of the column would.  Returns their number.  The
 * SQL of the table's owner must end in time.
 */
Datum
herald_run_due(PG_FUNCTION_ARGS)
{
	Relation relation = table_open(PG_GETARG_OID(0), AccessShareLock);
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	AttrNumber column = get_attnum(RelationGetRelid(relation), name);
	DueRun run = { relation, text_to_cstring(PG_GETARG_TEXT_PP(1)), { 0 }, column, 0 };

	if (column <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of table \"%s\" does not exist", name, RelationGetRelationName(relation))));
	run.ids[0] = PG_GETARG_DATUM(3);
	run.ids[1] = PG_GETARG_DATUM(4);
	time_limit_run(run_due, &run, DUE_LIMIT_MS);
	table_close(relation, AccessShareLock);
	PG_RETURN_INT64(run.count);
}

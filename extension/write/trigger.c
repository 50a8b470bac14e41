/*-------------------------------------------------------------------------
 *
 * trigger.c
 *	  The trigger function of all watched tables: passes the changed rows to the
 *	  rules of the table, and their output to the inbox and the event log.
 *
 * The trigger runs once per statement, for any number of rows.  The rules' queries
 * run as the owner of the table, each rule on a loan of the scope (query.h): a rule can
 * read exactly as much as that owner, and no setting that it changes outlives it.  The
 * writes run as the owner of the extension.  The role that wrote to the table needs no
 * privilege of the extension.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "settings.h"
#include "write/event_log.h"
#include "write/notification.h"
#include "write/retraction.h"
#include "write/rule.h"

static void
check_call(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("herald_internal.on_change() must be called by an AFTER trigger for each statement"),
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

/* Returns how many rows the statement changed. */
static int64
changed_rows(TriggerData *trigger)
{
	Tuplestorestate *changed = trigger->tg_newtable ? trigger->tg_newtable : trigger->tg_oldtable;

	return changed ? tuplestore_tuple_count(changed) : 0;
}

/* Locks the causes that the rules returned, and runs the queries that need the lock. */
static void
apply_rules_after_lock(QueryScope *scope, Oid owner, const RuleList *rules, int64 rows, RuleOutput *output)
{
	retraction_lock(owner, output->to_lock);
	rule_run_all_after_lock(scope, owner, rules, rows, output);
}

static void
apply_rules(TriggerData *trigger, const RuleList *rules, int64 rows)
{
	Oid owner = trigger->tg_relation->rd_rel->relowner;
	QueryScope scope;
	RuleOutput output;

	Assert(rules->count > 0 && rows > 0);
	query_begin(&scope);
	query_offer_changes(trigger);
	output = rule_output_begin();
	rule_run_all(&scope, owner, rules, rows, &output);
	if (tuplestore_tuple_count(output.to_lock) > 0)
		apply_rules_after_lock(&scope, owner, rules, rows, &output);
	rule_count_missed(rules, rows);
	retraction_write(owner, output.retracted, output.published);
	notification_write(&scope, owner, output.candidates, output.published);
	event_log_append_all(output.published);
	rule_output_end(&output);
	query_end(&scope);
}

/* Rechecks access that rows of a truncated table may have granted.  The trigger exists if a rule rechecks any. */
static void
recheck_truncated(Oid relation)
{
	static SavedQuery recheck = {
		.name = "the recheck of a truncated table",
		.text = "SELECT herald_internal.recheck_truncated($1)",
		.nargs = 1,
		.argtypes = { REGCLASSOID },
	};
	Datum value = ObjectIdGetDatum(relation);
	QueryScope scope;

	query_begin(&scope);
	query_run(&recheck, 1, &value, NULL);
	query_end(&scope);
}

PG_FUNCTION_INFO_V1(herald_on_change);

/* herald_internal.on_change() is the trigger function. */
Datum
herald_on_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const RuleList *rules;
	int64 rows;

	check_call(fcinfo);
	rows = changed_rows(trigger);
	if (herald_enabled && TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		recheck_truncated(RelationGetRelid(trigger->tg_relation));
	else if (herald_enabled && rows > 0)
	{
		rules = rule_cache_list(trigger->tg_relation, operation_of(trigger));
		if (rules->count > 0)
			apply_rules(trigger, rules, rows);
	}
	return PointerGetDatum(NULL);
}

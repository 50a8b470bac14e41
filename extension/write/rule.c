/*-------------------------------------------------------------------------
 *
 * rule.c
 *	  Runs the rules of a watched table: they turn changed rows into candidates,
 *	  events and retractions.
 *
 * 1. A rule is SQL that was compiled when the table was watched (rule_cache.c).
 *
 * 2. An error in a rule aborts the application's statement (on_error => 'abort', the
 *	  default).  A rule with on_error => 'warn' runs in a subtransaction: an error
 *	  takes back its output, raises a warning and adds a row to herald.rule_failure.
 *	  An event that the rule may not publish (event_check.c) does the same, and never
 *	  aborts the statement.
 *
 * 3. Several rows may have the same cause.  Two transactions that each delete one of
 *	  the last two rows both see the other's row, and would keep the notification.
 *	  So such a rule has a "lock" query, which returns these causes.  trigger.c locks
 *	  their notifications.  Then the "retract" query runs, with a snapshot from after
 *	  the lock.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "subtransaction.h"
#include "write/event_check.h"
#include "write/event_log.h"
#include "write/notification.h"
#include "write/retraction.h"
#include "write/rule.h"

static SavedQuery record_insert = {
	.name = "the record of a rule's failure",
	.text = "INSERT INTO herald.rule_failure (rule, sqlstate, message) VALUES ($1, $2, $3)",
	.nargs = 3,
	.argtypes = { INT4OID, TEXTOID, TEXTOID },
};

RuleOutput
rule_output_begin(void)
{
	RuleOutput output;

	output.candidates = tuplestore_begin_heap(false, false, work_mem);
	output.published = tuplestore_begin_heap(false, false, work_mem);
	output.unchecked = tuplestore_begin_heap(false, false, work_mem);
	output.to_lock = tuplestore_begin_heap(false, false, work_mem);
	output.retracted = tuplestore_begin_heap(false, false, work_mem);
	return output;
}

void
rule_output_end(RuleOutput *output)
{
	tuplestore_end(output->candidates);
	tuplestore_end(output->published);
	tuplestore_end(output->unchecked);
	tuplestore_end(output->to_lock);
	tuplestore_end(output->retracted);
}

static void
move_rows(Tuplestorestate *from, Tuplestorestate *to, TupleDesc shape)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(from, true, false, slot))
		tuplestore_puttupleslot(to, slot);
	ExecDropSingleTupleTableSlot(slot);
}

static void
rule_output_move(const RuleOutput *from, RuleOutput *to)
{
	move_rows(from->candidates, to->candidates, notification_shape());
	move_rows(from->published, to->published, event_log_shape());
	move_rows(from->to_lock, to->to_lock, retraction_shape());
	move_rows(from->retracted, to->retracted, retraction_shape());
}

/* Adds the rule to the context of an error. */
static void
rule_error_context(void *arg)
{
	Rule *rule = arg;

	errcontext("rule \"%s\" of table %s (SELECT herald.unwatch('%s') removes it)", rule->name, rule->relation,
			   rule->relation);
}

/* Inserts a failure into herald.rule_failure. */
static void
record_failure(Rule *rule, int sqlstate, const char *message)
{
	Datum values[3];
	QueryScope scope;

	values[0] = Int32GetDatum(rule->id);
	values[1] = CStringGetTextDatum(unpack_sql_state(sqlstate));
	values[2] = CStringGetTextDatum(message);
	query_begin(&scope);
	query_run(&record_insert, 1, values, NULL);
	query_end(&scope);
}

/* Runs the query for events, as the owner of the table.  An event that the owner may not publish is a failure. */
static void
run_publish(Rule *rule, int64 rows, RuleOutput *output)
{
	RefusedEvents refused;

	query_run_into(&rule->publish, rows, NULL, output->unchecked, event_log_shape());
	refused = event_check_move(output->unchecked, output->published, &rule->rights, GetUserId());
	if (refused.count == 0)
		return;
	ereport(WARNING, (errcode(refused.sqlstate),
					  errmsg("rule \"%s\" of table %s did not publish: %s", rule->name, rule->relation, refused.message),
					  errdetail_plural("%lld event was refused.", "%lld events were refused.", (unsigned long) refused.count,
									   (long long) refused.count)));
	record_failure(rule, refused.sqlstate, refused.message);
}

/* Runs some of a rule's queries over so many changed rows. */
typedef void (*RuleQueries)(Rule *rule, int64 rows, RuleOutput *output);

static void
run_queries(Rule *rule, int64 rows, RuleOutput *output)
{
	if (rule->notify.text != NULL)
		query_run_into(&rule->notify, rows, NULL, output->candidates, notification_shape());
	if (rule->publish.text != NULL)
		run_publish(rule, rows, output);
	if (rule->lock.text != NULL)
		query_run_into(&rule->lock, rows, NULL, output->to_lock, retraction_shape());
	else if (rule->retract.text != NULL)
		query_run_into(&rule->retract, rows, NULL, output->retracted, retraction_shape());
}

static void
run_locked_queries(Rule *rule, int64 rows, RuleOutput *output)
{
	query_run_into(&rule->retract, rows, NULL, output->retracted, retraction_shape());
}

/* Runs queries, with the rule in the context of their errors. */
static void
run_named(Rule *rule, RuleQueries queries, int64 rows, RuleOutput *output)
{
	ErrorContextCallback context = { error_context_stack, rule_error_context, rule };

	error_context_stack = &context;
	queries(rule, rows, output);
	error_context_stack = context.previous;
}

/* Reports an error as a warning and records it. */
static void
report_failure(Rule *rule, ErrorData *error)
{
	Assert(error->elevel == ERROR);
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("rule \"%s\" of table %s failed: %s", rule->name, rule->relation, error->message),
					  errhint("The row was written without the rule's effects. herald.rule_failure lists the failures of all rules.")));
	record_failure(rule, error->sqlerrcode, error->message);
}

/* One run of a rule with on_error => 'warn'. */
typedef struct GuardedRun
{
	Rule *rule;
	RuleQueries queries;
	int64 rows;
	RuleOutput output;
} GuardedRun;

static void
run_in_subtransaction(void *argument)
{
	GuardedRun *guarded = argument;

	run_named(guarded->rule, guarded->queries, guarded->rows, &guarded->output);
}

/* Runs queries in a subtransaction.  If one fails, drops their output and records the failure. */
static void
run_guarded(Rule *rule, RuleQueries queries, int64 rows, RuleOutput *output)
{
	GuardedRun guarded = { rule, queries, rows, rule_output_begin() };
	ErrorData *error = subtransaction_run(run_in_subtransaction, &guarded);

	if (error != NULL)
		report_failure(rule, error);
	else
		rule_output_move(&guarded.output, output);
	rule_output_end(&guarded.output);
}

static void
run_rule(Rule *rule, RuleQueries queries, int64 rows, RuleOutput *output)
{
	if (rule->abort)
		run_named(rule, queries, rows, output);
	else
		run_guarded(rule, queries, rows, output);
}

void
rule_run(Rule *rule, int64 rows, RuleOutput *output)
{
	run_rule(rule, run_queries, rows, output);
}

void
rule_run_after_lock(Rule *rule, int64 rows, RuleOutput *output)
{
	if (rule->lock.text != NULL)
		run_rule(rule, run_locked_queries, rows, output);
}

/* Checks that the queries return the columns that this module reads, in their order. */
static void
check_columns(Rule *rule)
{
	if (rule->notify.text != NULL)
		query_check_names(&rule->notify, notification_shape());
	if (rule->publish.text != NULL)
		query_check_names(&rule->publish, event_log_shape());
	if (rule->lock.text != NULL)
		query_check_names(&rule->lock, retraction_shape());
	if (rule->retract.text != NULL)
		query_check_names(&rule->retract, retraction_shape());
}

static void
rehearse_queries(Rule *rule, int64 rows, RuleOutput *output)
{
	check_columns(rule);
	run_queries(rule, rows, output);
	if (rule->lock.text != NULL)
		run_locked_queries(rule, rows, output);
}

void
rule_rehearse(Relation relation, int id)
{
	RuleOutput output = rule_output_begin();

	for (int operation = 0; operation < RULE_OPERATIONS; operation++)
	{
		const RuleList *list = rule_cache_list(relation, operation);

		for (int i = 0; i < list->count; i++)
		{
			if (list->rules[i].id == id)
				run_named(&list->rules[i], rehearse_queries, 0, &output);
		}
	}
	rule_output_end(&output);
}

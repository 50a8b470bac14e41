/*-------------------------------------------------------------------------
 *
 * rule.c
 *	  Runs the rules of a watched table: they turn changed rows into candidates,
 *	  events and retractions.
 *
 * 1. A rule is SQL that was compiled when the table was watched (rule_cache.c).
 *
 * 2. The rules of a statement run in one subtransaction.  If one fails, each runs in
 *	  a subtransaction of its own: an error takes back its output, raises a warning
 *	  and adds a row to herald.rule_failure.  An event that the rule may not publish
 *	  (event_check.c) does the same.  Only with on_error => 'abort' an error aborts
 *	  the application's statement.
 *
 *	  With on_error => 'suspend', the default, a rule that fails and does not compile any
 *	  more is suspended: no write runs it until herald_internal.resume_rules() finds that it
 *	  fits again.  Until then each statement appends the number of its changes to
 *	  herald.missed_change.
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
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "query_rows.h"
#include "subtransaction.h"
#include "write/event_check.h"
#include "write/event_log.h"
#include "write/failure.h"
#include "write/notification.h"
#include "write/retraction.h"
#include "write/rule.h"
#include "write/schedule.h"

static void
record_failure(Rule *rule, int sqlstate, const char *message)
{
	failure_record(rule->source, rule->name, sqlstate, message, &rule->failures);
}

/* Returns the row type of a query of a rule. */
static TupleDesc
query_shape_of(const Rule *rule, int query)
{
	if (query == RULE_NOTIFY)
		return rule->with_event ? rule_output_pair_shape() : notification_shape();
	if (query == RULE_SCHEDULE)
		return schedule_shape();
	return query == RULE_PUBLISH ? event_log_shape() : retraction_shape();
}

/* The changed rows that the scope offers; the scope is NULL if there are none. */
typedef struct RuleRows
{
	const QueryScope *scope;
	int64 count;
} RuleRows;

/* Runs a query of a rule, if the rule has it. */
static void
run_query(Rule *rule, int query, RuleRows rows, Tuplestorestate *store)
{
	if (rule->queries[query].text != NULL)
		query_rows_run(rows.scope, &rule->queries[query], rows.count, store, query_shape_of(rule, query));
}

/* Moves the events of a rule that its owner, the current role, may publish.  Another event is a failure. */
static void
check_events(Rule *rule, RuleOutput *output)
{
	RefusedEvents refused;

	if (output->unchecked == NULL || tuplestore_tuple_count(output->unchecked) == 0)
		return;
	refused = event_check_move(output->unchecked, output->published, &rule->rights, GetUserId());
	if (refused.count == 0)
		return;
	ereport(WARNING, (errcode(refused.sqlstate),
					  errmsg("rule \"%s\" of table %s did not publish: %s", rule->name, rule->relation, refused.message),
					  errdetail_plural("%lld event was refused.", "%lld events were refused.", (unsigned long) refused.count,
									   (long long) refused.count)));
	record_failure(rule, refused.sqlstate, refused.message);
}

/* Runs some of a rule's queries over changed rows. */
typedef void (*RuleQueries)(Rule *rule, RuleRows rows, RuleOutput *output);

static void
run_queries(Rule *rule, RuleRows rows, RuleOutput *output)
{
	run_query(rule, RULE_NOTIFY, rows, rule->with_event ? output->pairs : output->candidates);
	if (rule->with_event)
		rule_output_split_pairs(output);
	run_query(rule, RULE_PUBLISH, rows, output->unchecked);
	check_events(rule, output);
	if (rule->queries[RULE_LOCK].text != NULL)
		run_query(rule, RULE_LOCK, rows, output->to_lock);
	else
		run_query(rule, RULE_RETRACT, rows, output->retracted);
	run_query(rule, RULE_SCHEDULE, rows, output->due);
	if (output->due != NULL)
		schedule_collect(output->due, rule->source, output->scheduled);
}

static void
run_locked_queries(Rule *rule, RuleRows rows, RuleOutput *output)
{
	if (rule->queries[RULE_LOCK].text != NULL)
		run_query(rule, RULE_RETRACT, rows, output->retracted);
}

/* Raises the current error of a rule again, with the rule instead of its compiled SQL.  It can be removed if "saved". */
static void
rethrow_named(Rule *rule, MemoryContext caller, bool saved)
{
	ErrorData *error;

	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	FlushErrorState();
	error->internalquery = NULL;
	error->internalpos = 0;
	error->context = psprintf("rule \"%s\" of table %s", rule->name, rule->relation);
	if (error->detail == NULL && error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		error->detail = psprintf("Rules run as the owner of their table, role \"%s\".",
								 GetUserNameFromId(GetUserId(), false));
	if (error->hint == NULL && saved && error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		error->hint = psprintf("SELECT herald.unwatch(%s, %s) removes the rule, and on_error => 'suspend' lets the write pass.",
							   quote_literal_cstr(rule->relation), quote_literal_cstr(rule->name));
	ReThrowError(error);
}

static void
run_named(Rule *rule, RuleQueries queries, RuleRows rows, RuleOutput *output, bool saved)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		queries(rule, rows, output);
	}
	PG_CATCH();
	{
		rethrow_named(rule, caller, saved);
	}
	PG_END_TRY();
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

/* Inserts the suspension of a rule.  The caches of all backends learn of it when this transaction commits. */
static void
suspend(Rule *rule, ErrorData *error)
{
	failure_suspend_rule(rule->id, error);
	CacheInvalidateRelcacheByRelid(rule->table);
	rule->suspended = true;
	ereport(WARNING, (errcode(error->sqlerrcode),
					  errmsg("rule \"%s\" of table %s is suspended: %s", rule->name, rule->relation, error->message),
					  errdetail("The rule does not fit the schema any more. Writes to the table pass without it."),
					  errhint("SELECT * FROM herald.doctor() shows the remedy. The rule resumes when the schema fits again.")));
}

/* A run of rules in a subtransaction: their output counts only if all of them succeed. */
typedef struct RuleRun
{
	QueryScope *scope;
	Oid owner; /* of the table */
	Rule *rules;
	int count;
	RuleQueries queries;
	int64 rows;
	RuleOutput *output;
} RuleRun;

static void
run_each(void *argument)
{
	RuleRun *run = argument;

	for (int i = 0; i < run->count; i++)
	{
		if (run->rules[i].suspended)
			continue;
		query_lend(run->scope, run->owner);
		run_named(&run->rules[i], run->queries, (RuleRows){ run->scope, run->rows }, run->output, true);
	}
	query_reclaim(run->scope);
}

/* Runs rules and adds their output.  If one fails, drops the output of all and returns the error. */
static ErrorData *
try_rules(RuleRun run, Rule *rules, int count)
{
	RuleOutput *output = run.output;
	RuleOutput own = { 0 };
	ErrorData *error;

	run.rules = rules;
	run.count = count;
	run.output = &own;
	for (int i = 0; i < count; i++)
		rule_output_begin(&own, &rules[i]);
	error = subtransaction_run(run_each, &run);
	if (error != NULL)
		query_abandon_loan(run.scope);
	else
		rule_output_move(&own, output);
	rule_output_end(&own);
	return error;
}

static void
compile_queries(void *argument)
{
	Rule *rule = argument;

	for (int i = 0; i < RULE_QUERIES; i++)
	{
		if (rule->queries[i].text != NULL)
			query_compile(&rule->queries[i], query_shape_of(rule, i));
	}
}

/* Returns whether a rule fits the schema.  The SQLSTATE of its error does not tell: values can raise any. */
static bool
fits_schema(RuleRun run, Rule *rule)
{
	ErrorData *error;

	query_lend(run.scope, run.owner);
	error = subtransaction_run(compile_queries, rule);
	query_reclaim(run.scope);
	return error == NULL;
}

/* Runs a rule whose error must not fail the write. */
static void
run_guarded(RuleRun run, Rule *rule)
{
	ErrorData *error = try_rules(run, rule, 1);
	Rule *current = error != NULL ? rule_cache_reload(rule) : rule;

	/* The application may have changed the schema, and the rule with it, while this statement waited for a table. */
	if (current != NULL && current != rule)
		error = try_rules(run, current, 1);
	if (error != NULL && current != NULL)
	{
		if (current->on_error == RULE_SUSPEND && !fits_schema(run, current))
			suspend(current, error);
		else
			report_failure(current, error);
	}
	rule->suspended = current != NULL && current->suspended;
}

/* Returns whether an error of any of the rules must not fail the write. */
static bool
have_guard(const RuleList *rules)
{
	for (int i = 0; i < rules->count; i++)
	{
		if (rules->rules[i].on_error != RULE_ABORT && !rules->rules[i].suspended)
			return true;
	}
	return false;
}

/* Runs all rules in one subtransaction and, if one of them fails, each in its own. */
static void
run_rules(RuleRun run, const RuleList *rules)
{
	bool guarded = have_guard(rules);

	if (guarded && try_rules(run, rules->rules, rules->count) == NULL)
		return;
	for (int i = 0; i < rules->count; i++)
	{
		run.rules = &rules->rules[i];
		run.count = 1;
		if (run.rules->on_error == RULE_ABORT || run.rules->suspended)
		{
			rule_output_begin(run.output, run.rules);
			run_each(&run);
		}
		else
			run_guarded(run, run.rules);
	}
}

void
rule_run_all(QueryScope *scope, Oid owner, const RuleList *rules, int64 rows, RuleOutput *output)
{
	RuleRun run = { scope, owner, NULL, 0, run_queries, rows, output };

	run_rules(run, rules);
}

void
rule_run_all_after_lock(QueryScope *scope, Oid owner, const RuleList *rules, int64 rows, RuleOutput *output)
{
	RuleRun run = { scope, owner, NULL, 0, run_locked_queries, rows, output };

	run_rules(run, rules);
}

/* Returns whether a suspended rule of the same name stands before this one in its list. */
static bool
is_counted(const Rule *first, const Rule *rule)
{
	for (; first < rule; first++)
	{
		if (first->suspended && first->source == rule->source && strcmp(first->name, rule->name) == 0)
			return true;
	}
	return false;
}

void
rule_count_missed(const RuleList *rules, int64 rows)
{
	for (int i = 0; i < rules->count; i++)
	{
		const Rule *rule = &rules->rules[i];

		if (rule->suspended && !is_counted(rules->rules, rule))
			failure_count_missed(rule->source, rule->name, rows);
	}
}

/* Checks that the queries return the columns that this module reads, in their order. */
static void
check_columns(Rule *rule)
{
	for (int i = 0; i < RULE_QUERIES; i++)
	{
		if (rule->queries[i].text != NULL)
			query_check_names(&rule->queries[i], query_shape_of(rule, i));
	}
}

static void
rehearse_queries(Rule *rule, RuleRows rows, RuleOutput *output)
{
	check_columns(rule);
	run_queries(rule, rows, output);
	run_locked_queries(rule, rows, output);
}

void
rule_rehearse(Relation relation, int id)
{
	RuleOutput output = { 0 };

	for (int operation = 0; operation < RULE_OPERATIONS; operation++)
	{
		const RuleList *list = rule_cache_list(relation, operation);

		for (int i = 0; i < list->count; i++)
		{
			if (list->rules[i].id != id)
				continue;
			rule_output_begin(&output, &list->rules[i]);
			run_named(&list->rules[i], rehearse_queries, (RuleRows){ NULL, 0 }, &output, false);
		}
	}
	rule_output_end(&output);
}

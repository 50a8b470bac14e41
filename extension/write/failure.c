/*-------------------------------------------------------------------------
 *
 * failure.c
 *	  Records failures of rules and of queries for blocks, their suspension, and the changes that they missed.
 *
 * Writers append rows, and herald.maintain() adds them up: so no writer waits for
 * another.  A rule may fail with each write.  So a row of a failure may stand for many:
 * a backend appends one for the first, second, fourth, eighth failure of a rule.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "query.h"
#include "write/failure.h"

static SavedQuery record_insert = {
	.name = "the record of a rule's failure",
	.text = "INSERT INTO herald.rule_failure (relation, rule, sqlstate, message, times) VALUES ($1, $2, $3, $4, $5)",
	.nargs = 5,
	.argtypes = { REGCLASSOID, TEXTOID, TEXTOID, TEXTOID, INT8OID },
};

static SavedQuery record_missed = {
	.name = "the record of the changes that a rule missed",
	.text = "INSERT INTO herald.missed_change (relation, rule, changes) VALUES ($1, $2, $3)",
	.nargs = 3,
	.argtypes = { REGCLASSOID, TEXTOID, INT8OID },
};

/* Of the first two parameters one is null. */
static SavedQuery record_suspension = {
	.name = "the record of a suspension",
	.text = "INSERT INTO herald_internal.suspension (rule, blocks, sqlstate, message) VALUES ($1, $2, $3, $4)",
	.nargs = 4,
	.argtypes = { INT4OID, REGCLASSOID, TEXTOID, TEXTOID },
};

static void
run_insert(SavedQuery *insert, Datum *values, const char *nulls)
{
	QueryScope scope;

	query_begin(&scope);
	query_run(insert, 1, values, nulls);
	query_end(&scope);
}

/* Returns whether failures that are not recorded yet make a row now. */
static bool
is_row_due(const FailureCount *count, TimestampTz now)
{
	return count->unrecorded >= count->recorded || now < count->last ||
		   TimestampDifferenceExceeds(count->last, now, 60 * 1000);
}

void
failure_record(Oid relation, const char *rule, int sqlstate, const char *message, FailureCount *count)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum values[] = {
		ObjectIdGetDatum(relation),
		CStringGetTextDatum(rule),
		CStringGetTextDatum(unpack_sql_state(sqlstate)),
		CStringGetTextDatum(message),
		Int64GetDatum(++count->unrecorded),
	};

	if (!is_row_due(count, now))
		return;
	run_insert(&record_insert, values, NULL);
	count->recorded += count->unrecorded;
	count->unrecorded = 0;
	count->last = now;
}

void
failure_count_missed(Oid relation, const char *rule, int64 changes)
{
	Datum values[] = { ObjectIdGetDatum(relation), CStringGetTextDatum(rule), Int64GetDatum(changes) };

	run_insert(&record_missed, values, NULL);
}

static void
suspend_either(int rule, Oid blocks, const ErrorData *error)
{
	Datum values[] = {
		Int32GetDatum(rule),
		ObjectIdGetDatum(blocks),
		CStringGetTextDatum(unpack_sql_state(error->sqlerrcode)),
		CStringGetTextDatum(error->message),
	};

	run_insert(&record_suspension, values, OidIsValid(blocks) ? "n   " : " n  ");
}

void
failure_suspend_rule(int rule, const ErrorData *error)
{
	suspend_either(rule, InvalidOid, error);
}

void
failure_suspend_blocks(Oid relation, const ErrorData *error)
{
	Assert(OidIsValid(relation));
	suspend_either(0, relation, error);
	CacheInvalidateRelcacheByRelid(query_own_table("block_source"));
}

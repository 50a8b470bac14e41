/*-------------------------------------------------------------------------
 *
 * total.c
 *	  Runs the queries of counters: the total of a subject, and its owner.
 *
 * A counter belongs to a watched table.  Its queries read that table and run as
 * the owner of the table.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "storage/lmgr.h"

#include "query.h"
#include "query_cache.h"
#include "subtransaction.h"

static SavedQuery find_counter = {
	.name = "the query for a counter",
	.text = "SELECT c.count_sql, c.owner_sql, k.relowner, k.oid FROM herald_internal.counter AS c"
			" JOIN pg_class AS k ON k.oid = c.relation WHERE c.id = $1",
	.nargs = 1,
	.argtypes = { INT4OID },
	.read_only = true,
};

/* Columns of that query. */
enum
{
	COUNTER_COUNT_SQL = 1,
	COUNTER_OWNER_SQL,
	COUNTER_ROLE,
	COUNTER_TABLE
};

/* One run of a counter's query for one subject. */
typedef struct CounterLookup
{
	const char *sql;
	Oid type; /* of the value */
	Datum subject_id;
	Datum value;
	bool isnull;
} CounterLookup;

/* Runs the query.  A text moves out of SPI's memory; a number is the datum itself. */
static void
counter_lookup_run(void *argument)
{
	CounterLookup *lookup = argument;
	SavedQuery query = { .name = "the query of a counter", .text = lookup->sql, .nargs = 1, .argtypes = { TEXTOID }, .read_only = true };

	if (query_cache_run(&query, &lookup->subject_id, &lookup->type, 1) == 1)
		lookup->value = query_value(0, 1, &lookup->isnull);
	if (!lookup->isnull && lookup->type == TEXTOID)
		lookup->value = SPI_datumTransfer(lookup->value, false, -1);
}

/* Runs the query and turns its error into a warning and a null. */
static void
counter_lookup_try(CounterLookup *lookup, const char *failure)
{
	ErrorData *error = subtransaction_run(counter_lookup_run, lookup);

	if (error == NULL)
		return;
	lookup->isnull = true;
	ereport(WARNING, (errmsg("%s: %s", failure, error->message)));
}

/*
 * Returns the result of one of a counter's queries.  Returns NULL if the query
 * fails, for example because a column was renamed, or if the table is locked:
 * the bridge delivers an event without its total rather than late or never.
 */
static Datum
counter_value(FunctionCallInfo fcinfo, int sql_column, Oid type, const char *failure)
{
	Datum counter = PG_GETARG_DATUM(0);
	CounterLookup lookup = { .type = type, .subject_id = PG_GETARG_DATUM(1), .isnull = true };
	QueryScope scope;

	query_begin(&scope);
	if (query_run(&find_counter, 1, &counter, NULL) == 1)
	{
		bool isnull;
		Oid relation = DatumGetObjectId(query_value(0, COUNTER_TABLE, &isnull));

		lookup.sql = query_text(0, sql_column);
		query_lend(&scope, DatumGetObjectId(query_value(0, COUNTER_ROLE, &isnull)));
		if (lookup.sql != NULL && ConditionalLockRelationOid(relation, AccessShareLock))
			counter_lookup_try(&lookup, failure);
	}
	query_end(&scope);
	if (lookup.isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(lookup.value);
}

PG_FUNCTION_INFO_V1(herald_count_now);
PG_FUNCTION_INFO_V1(herald_owner_now);

/* herald_internal.count_now(counter, id) returns the number of rows of a subject. */
Datum
herald_count_now(PG_FUNCTION_ARGS)
{
	return counter_value(fcinfo, COUNTER_COUNT_SQL, INT8OID, "could not count a total");
}

/* herald_internal.owner_now(counter, id) returns the owner of a subject. */
Datum
herald_owner_now(PG_FUNCTION_ARGS)
{
	return counter_value(fcinfo, COUNTER_OWNER_SQL, TEXTOID, "could not find the owner of a subject");
}

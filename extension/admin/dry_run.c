/*-------------------------------------------------------------------------
 *
 * dry_run.c
 *	  Tries statements that watch tables, and runs their queries over rows that exist,
 *	  for herald.plan_watch() and herald.suggest().
 *
 * 1. A statement of a dry run runs as its caller, as a security-restricted operation.  Its
 *	  notices and warnings become rows instead of going to the client and the server's log.
 *
 * 2. It takes no lock that a writer waits for: herald.sync_triggers() does nothing while it
 *	  runs.  Its callers roll it back.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

#include "admin/owned_table.h"
#include "query.h"

/* The columns of a message. */
enum
{
	MESSAGE_SEVERITY,
	MESSAGE_TEXT,
	MESSAGE_DETAIL,
	MESSAGE_HINT,
	MESSAGE_COLUMNS
};

/* A statement, and its messages. */
typedef struct DryRun
{
	const char *statement;
	const char *search_path;
	Tuplestorestate *messages;
	TupleDesc shape;
	emit_log_hook_type previous_hook;
} DryRun;

/* NULL: none. */
static DryRun *current_run = NULL;

static void
put_message(DryRun *run, const ErrorData *message)
{
	const char *texts[MESSAGE_COLUMNS] = {
		[MESSAGE_SEVERITY] = message->elevel == NOTICE ? "notice" : "warning",
		[MESSAGE_TEXT] = message->message,
		[MESSAGE_DETAIL] = message->detail,
		[MESSAGE_HINT] = message->hint,
	};
	Datum values[MESSAGE_COLUMNS];
	bool nulls[MESSAGE_COLUMNS];

	for (int i = 0; i < MESSAGE_COLUMNS; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(run->messages, run->shape, values, nulls);
}

/* Takes notices and warnings; leaves other messages to the server. */
static void
take_message(ErrorData *message)
{
	if (message->elevel == NOTICE || message->elevel == WARNING)
	{
		put_message(current_run, message);
		message->output_to_server = false;
		message->output_to_client = false;
	}
	else if (current_run->previous_hook != NULL)
		current_run->previous_hook(message);
}

/* Runs the statement as its caller, with the search path, and takes its messages. */
static void
dry_run_statement(DryRun *run)
{
	SavedQuery query = { .name = "the statement", .text = run->statement, .keeps_path = true };
	QueryScope scope;

	query_begin(&scope);
	/* The server offers a message to the hook only if it would log it. */
	if (log_min_messages > NOTICE)
		(void) set_config_option("log_min_messages", "notice", PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	query_lend(&scope, scope.role);
	(void) set_config_option("search_path", run->search_path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	query_run_once(&query, NULL, NULL, 0);
	query_end(&scope);
}

static void
dry_run(DryRun *run)
{
	run->previous_hook = emit_log_hook;
	emit_log_hook = take_message;
	current_run = run;
	PG_TRY();
	{
		dry_run_statement(run);
	}
	PG_FINALLY();
	{
		current_run = NULL;
		emit_log_hook = run->previous_hook;
	}
	PG_END_TRY();
}

PG_FUNCTION_INFO_V1(herald_dry_run);
PG_FUNCTION_INFO_V1(herald_is_dry_run);
PG_FUNCTION_INFO_V1(herald_query_as_owner);

/* herald_internal.dry_run(statement, search_path) returns the notices and warnings of a statement. */
Datum
herald_dry_run(PG_FUNCTION_ARGS)
{
	DryRun run = { .statement = text_to_cstring(PG_GETARG_TEXT_PP(0)),
				   .search_path = text_to_cstring(PG_GETARG_TEXT_PP(1)) };

	if (current_run != NULL)
		ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION), errmsg("a dry run cannot begin another")));
	run.messages = query_result_begin(fcinfo, &run.shape);
	Assert(run.shape->natts == MESSAGE_COLUMNS);
	dry_run(&run);
	return (Datum) 0;
}

/* herald_internal.is_dry_run() returns whether a statement of a dry run runs. */
Datum
herald_is_dry_run(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(current_run != NULL);
}

/*
 * herald_internal.query_as_owner(relation, query) returns the only value of a query, of type jsonb, which runs as the
 * owner of the table.  Only that owner may ask.
 */
Datum
herald_query_as_owner(PG_FUNCTION_ARGS)
{
	static const Oid type = JSONBOID;
	SavedQuery query = { .name = "the query", .text = text_to_cstring(PG_GETARG_TEXT_PP(1)), .read_only = true };
	Relation relation = owned_table_open(PG_GETARG_OID(0));
	QueryScope scope;
	Datum value = (Datum) 0;
	bool isnull = true;

	query_begin(&scope);
	query_lend(&scope, relation->rd_rel->relowner);
	if (query_run_once(&query, NULL, &type, 1) > 0)
		value = query_value(0, 1, &isnull);
	if (!isnull)
		value = SPI_datumTransfer(value, false, -1);
	query_end(&scope);
	table_close(relation, NoLock);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value);
}

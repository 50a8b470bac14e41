/*-------------------------------------------------------------------------
 *
 * migration.c
 *	  Follows the application's migrations: the event trigger "herald_migration".
 *
 * The trigger runs in the transaction of each ALTER and GRANT, whoever makes it:
 *
 * 1. A statement that cannot rename anything costs one look for suspended rules.
 *
 * 2. herald_internal.follow_migration() does the work as the owner of the extension.
 *	  It waits for no lock of another session for longer than some milliseconds, keeps
 *	  no lock of the application's tables, and turns errors into warnings.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"

#include "query.h"

static SavedQuery follow_migration = {
	.name = "the work after a migration",
	.text = "SELECT herald_internal.follow_migration($1)",
	.nargs = 1,
	.argtypes = { BOOLOID },
};

static SavedQuery find_suspensions = {
	.name = "the query for suspended rules",
	.text = "SELECT FROM herald_internal.suspension LIMIT 1",
};

static bool
is_rename(const Node *statement)
{
	return IsA(statement, RenameStmt) || IsA(statement, AlterObjectSchemaStmt);
}

PG_FUNCTION_INFO_V1(herald_on_migration);

/* herald_internal.on_migration() is the function of the event trigger. */
Datum
herald_on_migration(PG_FUNCTION_ARGS)
{
	Datum renames;
	QueryScope scope;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("herald_internal.on_migration() is the function of an event trigger")));
	if (creating_extension || IsBinaryUpgrade)
		PG_RETURN_NULL();
	renames = BoolGetDatum(is_rename(((EventTriggerData *) fcinfo->context)->parsetree));
	query_begin(&scope);
	if (DatumGetBool(renames) || query_run(&find_suspensions, 1, NULL, NULL) > 0)
		query_run(&follow_migration, 1, &renames, NULL);
	query_end(&scope);
	PG_RETURN_NULL();
}

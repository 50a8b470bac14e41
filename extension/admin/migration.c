/*-------------------------------------------------------------------------
 *
 * migration.c
 *	  Follows the application's migrations: the event trigger "herald_migration".
 *
 * The trigger runs in the transaction of each ALTER and GRANT, whoever makes it:
 *
 * 1. A statement that cannot rename anything costs one look for suspended rules, without a query.
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
#include "utils/snapmgr.h"

#include "layout.h"
#include "own_table.h"
#include "query.h"

static SavedQuery follow_migration = {
	.name = "the work after a migration",
	.text = "SELECT herald_internal.follow_migration($1)",
	.nargs = 1,
	.argtypes = { BOOLOID },
};

static bool
is_rename(const Node *statement)
{
	return IsA(statement, RenameStmt) || IsA(statement, AlterObjectSchemaStmt);
}

static bool
are_rules_suspended(void)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	OwnScan scan = own_scan_all("herald_internal", "suspension", snapshot);
	bool found = own_scan_next(&scan);

	own_scan_end(&scan);
	UnregisterSnapshot(snapshot);
	return found;
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
	if (creating_extension || IsBinaryUpgrade || !layout_fits())
		PG_RETURN_NULL();
	renames = BoolGetDatum(is_rename(((EventTriggerData *) fcinfo->context)->parsetree));
	if (!DatumGetBool(renames) && !are_rules_suspended())
		PG_RETURN_NULL();
	query_begin(&scope);
	query_run(&follow_migration, 1, &renames, NULL);
	query_end(&scope);
	PG_RETURN_NULL();
}

/*-------------------------------------------------------------------------
 *
 * migration.c
 *	  Follows the application's migrations: the event trigger "herald_migration".
 *
 * The trigger runs in the transaction of each ALTER, CREATE TABLE and GRANT of any role:
 *
 * 1. A statement costs a look at its parse tree, and one for suspended rules, without a
 *	  query.
 *
 * 2. A change of a sequence of the extension that makes ids not ascending is refused.
 *
 * 3. A new partition of a watched table gets its triggers.
 *
 * 4. herald_internal.follow_migration() does the work as the owner of the extension.
 *	  It waits for no lock of another session for longer than some milliseconds, keeps
 *	  no lock of the application's tables, and turns errors into warnings.
 *
 * 5. A table with a new name counts as activity, also in an idle database: maintenance
 *	  then looks whether it has taken the place of a watched table.
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
#include "write/doorbell.h"

static SavedQuery follow_migration = {
	.name = "the work after a migration",
	.text = "SELECT herald_internal.follow_migration($1)",
	.nargs = 1,
	.argtypes = { BOOLOID },
};

static SavedQuery follow_partitions = {
	.name = "the work after a change of partitions",
	.text = "SELECT herald_internal.follow_partitions()",
};

static SavedQuery find_unordered = {
	.name = "the check of sequences",
	.text = "SELECT herald_internal.unordered_sequence()::text",
};

/* Returns whether a statement is an ALTER TABLE with one of these commands. */
static bool
alters_table(const Node *statement, const AlterTableType *commands, int count)
{
	ListCell *cell;

	if (!IsA(statement, AlterTableStmt))
		return false;
	foreach (cell, ((const AlterTableStmt *) statement)->cmds)
	{
		for (int i = 0; i < count; i++)
		{
			if (lfirst_node(AlterTableCmd, cell)->subtype == commands[i])
				return true;
		}
	}
	return false;
}

static bool
changes_sequence(const Node *statement)
{
	static const AlterTableType commands[] = { AT_SetIdentity };

	return IsA(statement, AlterSeqStmt) || alters_table(statement, commands, lengthof(commands));
}

static bool
changes_partitions(const Node *statement)
{
	static const AlterTableType commands[] = { AT_AttachPartition, AT_DetachPartition, AT_DetachPartitionFinalize,
											   AT_AddInherit, AT_DropInherit };

	if (IsA(statement, CreateForeignTableStmt))
		statement = (const Node *) &((const CreateForeignTableStmt *) statement)->base;
	else if (!IsA(statement, CreateStmt))
		return alters_table(statement, commands, lengthof(commands));
	return ((const CreateStmt *) statement)->inhRelations != NIL;
}

/* Refuses settings with which readers of the log would skip events. */
static void
check_sequences(void)
{
	QueryScope scope;
	char *sequence;

	query_begin(&scope);
	query_run(&find_unordered, 1, NULL, NULL);
	sequence = query_text(0, 1);
	if (sequence != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("sequence %s must keep CACHE 1, its INCREMENT and NO CYCLE", sequence),
						errdetail("Readers of the event log would skip events with ids that are not ascending.")));
	query_end(&scope);
}

static bool
is_rename(const Node *statement)
{
	return IsA(statement, RenameStmt) || IsA(statement, AlterObjectSchemaStmt);
}

/* Returns whether a table that others see has a new name by a statement. */
static bool
names_table(const Node *statement)
{
	const RangeVar *made = NULL;

	if (IsA(statement, CreateStmt))
		made = ((const CreateStmt *) statement)->relation;
	else if (IsA(statement, CreateTableAsStmt))
		made = ((const CreateTableAsStmt *) statement)->into->rel;
	return made != NULL ? made->relpersistence != RELPERSISTENCE_TEMP : is_rename(statement);
}

static bool
are_rules_suspended(void)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	static OwnColumns none = { 0 };
	OwnScan scan = own_scan_all("herald_internal", "suspension", &none, snapshot);
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
	const Node *statement;
	Datum renames;
	QueryScope scope;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("herald_internal.on_migration() is the function of an event trigger")));
	if (creating_extension || IsBinaryUpgrade || !layout_fits())
		PG_RETURN_NULL();
	statement = ((EventTriggerData *) fcinfo->context)->parsetree;
	if (changes_sequence(statement))
		check_sequences();
	if (changes_partitions(statement))
	{
		query_begin(&scope);
		query_run(&follow_partitions, 1, NULL, NULL);
		query_end(&scope);
	}
	if (names_table(statement))
		doorbell_ring();
	renames = BoolGetDatum(is_rename(statement));
	if (!DatumGetBool(renames) && !are_rules_suspended())
		PG_RETURN_NULL();
	query_begin(&scope);
	query_run(&follow_migration, 1, &renames, NULL);
	query_end(&scope);
	PG_RETURN_NULL();
}

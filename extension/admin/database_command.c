/*-------------------------------------------------------------------------
 *
 * database_command.c
 *	  Makes a worker leave its database for commands that need it for themselves.
 *
 * DROP DATABASE, ALTER DATABASE ... RENAME and SET TABLESPACE, and CREATE DATABASE with
 * the database as its template fail while somebody else is connected.  Before such a
 * command of the database's owner, its lock on the database is taken, so that no worker
 * comes back, and the worker is asked to leave.  The launcher starts another one
 * afterwards.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"

#include "admin/database_command.h"
#include "compat.h"
#include "worker_slot.h"

/* The command itself waits as long for other sessions to leave. */
#define PATIENCE_MS 5000
#define PAUSE_MS 10

static ProcessUtility_hook_type previous_hook;

static DefElem *
find_option(List *options, const char *name)
{
	ListCell *cell;

	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0)
			return option;
	}
	return NULL;
}

/* Returns the template of a new database. */
static const char *
template_of(CreatedbStmt *statement)
{
	DefElem *option = find_option(statement->options, "template");

	return option != NULL && option->arg != NULL ? defGetString(option) : "template1";
}

static const char *
renamed_database(RenameStmt *statement)
{
	return statement->renameType == OBJECT_DATABASE ? statement->subname : NULL;
}

static const char *
moved_database(AlterDatabaseStmt *statement)
{
	return find_option(statement->options, "tablespace") != NULL ? statement->dbname : NULL;
}

/* Returns the name of the database that a command needs for itself, or NULL. */
static const char *
database_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_DropdbStmt:
			return ((DropdbStmt *) statement)->dbname;
		case T_CreatedbStmt:
			return template_of((CreatedbStmt *) statement);
		case T_RenameStmt:
			return renamed_database((RenameStmt *) statement);
		case T_AlterDatabaseStmt:
			return moved_database((AlterDatabaseStmt *) statement);
		default:
			return NULL;
	}
}

static void
clear_database(Oid database, LOCKMODE mode)
{
	LockSharedObject(DatabaseRelationId, database, 0, mode);
	for (int waited = 0; waited < PATIENCE_MS && worker_slot_ask_to_leave(database); waited += PAUSE_MS)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(PAUSE_MS * 1000L);
	}
}

/* The ProcessUtility hook. */
static void
run_database_command(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
					 ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest,
					 QueryCompletion *completion)
{
	const char *name = database_of(statement->utilityStmt);
	Oid database = name != NULL ? get_database_oid(name, true) : InvalidOid;

	if (OidIsValid(database) && worker_slot_is_assigned(database) && database_is_owned_by(database, GetUserId()))
		clear_database(database, IsA(statement->utilityStmt, CreatedbStmt) ? ShareLock : AccessExclusiveLock);
	if (previous_hook)
		previous_hook(statement, text, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, params, environment, dest, completion);
}

void
database_command_init(void)
{
	Assert(process_shared_preload_libraries_in_progress);
	previous_hook = ProcessUtility_hook;
	ProcessUtility_hook = run_database_command;
}

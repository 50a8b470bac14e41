/*-------------------------------------------------------------------------
 *
 * run_as.c
 *	  Calls functions of the application as the role that they were registered with.
 *
 * 1. A question reads: a room policy, or a query over a watched table.  It may be asked
 *	  in a transaction of the application, and runs as a security-restricted operation.
 *
 * 2. An action writes.  Only the bridge calls it, one in a transaction.  Its deferred
 *	  triggers must run, but not at the commit: there they would run as the bridge.  So
 *	  they fire at the end of the action, as its role.  They fire once more as a
 *	  security-restricted operation: there PostgreSQL refuses a trigger that defers again.
 *
 * 3. After an action no cursor, temporary table, LISTEN or lock of the session is left, and
 *	  no statement that SQL has prepared: the bridge prepares its own by the protocol, which
 *	  no function can.  A cursor WITH HOLD would run at the commit, too.
 *
 * 4. The function has the settings of its role (role_settings.h), not those of the session:
 *	  a caller could choose a search path with operators of its own.
 *
 * 5. All settings that the function changes are taken back.  SET ROLE fails, because the
 *	  role was changed locally.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/portal.h"

#include "admin/role_settings.h"
#include "message.h"
#include "query.h"

static SavedQuery statements_of_sql = {
	.name = "the list of prepared statements",
	.text = "SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql",
};

/* The code of the application that raises an error precedes this line. */
static void
run_as_context(void *argument)
{
	errcontext(MESSAGE_CONTEXT "called code of the application");
}

/* Calls the function with the last two arguments of herald_internal.ask_as() and act_as(). */
static Datum
run_as_invoke(FunctionCallInfo fcinfo, bool *isnull)
{
	ErrorContextCallback context = { .previous = error_context_stack, .callback = run_as_context };
	FmgrInfo flinfo;
	LOCAL_FCINFO(call, 2);
	Datum result;

	fmgr_info(PG_GETARG_OID(0), &flinfo);
	InitFunctionCallInfoData(*call, &flinfo, 2, DEFAULT_COLLATION_OID, NULL, NULL);
	for (int i = 0; i < 2; i++)
	{
		call->args[i].value = PG_GETARG_DATUM(i + 2);
		call->args[i].isnull = PG_ARGISNULL(i + 2);
	}
	error_context_stack = &context;
	result = FunctionCallInvoke(call);
	error_context_stack = context.previous;
	*isnull = call->isnull;
	return result;
}

/* SET CONSTRAINTS ALL IMMEDIATE: fires the deferred triggers. */
static void
fire_deferred_triggers(void)
{
	ConstraintsSetStmt *statement = makeNode(ConstraintsSetStmt);

	CommandCounterIncrement();
	AfterTriggerSetState(statement);
}

static void
drop_statements_of_sql(void)
{
	QueryScope scope;
	uint64 count;

	query_begin(&scope);
	count = query_run(&statements_of_sql, 0, NULL, NULL);
	for (uint64 i = 0; i < count; i++)
		DropPreparedStatement(query_text(i, 1), false);
	query_end(&scope);
}

/* Removes everything of the function that would outlive it in the session, or run at the commit. */
static void
clear_session(void)
{
	PortalHashTableDeleteAll();
	drop_statements_of_sql();
	Async_UnlistenAll();
	LockReleaseSession(USER_LOCKMETHOD);
	ResetTempTableNamespace();
}

static void
finish_action(Oid role, int security)
{
	fire_deferred_triggers();
	SetUserIdAndSecContext(role, security | SECURITY_RESTRICTED_OPERATION);
	fire_deferred_triggers();
	clear_session();
}

/* Calls the function as the role.  After an error the transaction's abort restores role and settings. */
static Datum
run_as(FunctionCallInfo fcinfo, bool is_action)
{
	int guc_level = NewGUCNestLevel();
	Oid role = PG_GETARG_OID(1);
	Oid saved_role;
	int saved_security;
	int security;
	bool isnull;
	Datum result;

	Assert(PG_NARGS() == 4);
	Assert(!PG_ARGISNULL(0) && !PG_ARGISNULL(1));
	GetUserIdAndSecContext(&saved_role, &saved_security);
	security = saved_security | SECURITY_LOCAL_USERID_CHANGE;
	role_settings_apply(role);
	SetUserIdAndSecContext(role, is_action ? security : security | SECURITY_RESTRICTED_OPERATION);
	result = run_as_invoke(fcinfo, &isnull);
	if (is_action)
		finish_action(role, security);
	AtEOXact_GUC(false, guc_level);
	SetUserIdAndSecContext(saved_role, saved_security);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

PG_FUNCTION_INFO_V1(herald_ask_as);
PG_FUNCTION_INFO_V1(herald_act_as);

/* herald_internal.ask_as(function, role, user_id, question) returns the function's answer to a question. */
Datum
herald_ask_as(PG_FUNCTION_ARGS)
{
	return run_as(fcinfo, false);
}

/* herald_internal.act_as(function, role, user_id, payload) does an action and returns the function's result. */
Datum
herald_act_as(PG_FUNCTION_ARGS)
{
	return run_as(fcinfo, true);
}

/*-------------------------------------------------------------------------
 *
 * run_as.c
 *	  Calls an exposed function of the application as the role that it was
 *	  exposed with.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

/* Calls the function with the last two arguments of herald_internal.call_as(). */
static Datum
run_as_invoke(FunctionCallInfo fcinfo, bool *isnull)
{
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
	result = FunctionCallInvoke(call);
	*isnull = call->isnull;
	return result;
}

PG_FUNCTION_INFO_V1(herald_call_as);

/*
 * herald_internal.call_as(function, role, user_id, payload) calls the function as the
 * role and returns its result.  The function gets the session's own search path:
 * our callers have pinned theirs, which does not suit the application.  After an
 * error the transaction's abort restores role and search path.
 */
Datum
herald_call_as(PG_FUNCTION_ARGS)
{
	int guc_level = NewGUCNestLevel();
	Oid saved_role;
	int saved_security;
	bool isnull;
	Datum result;

	Assert(PG_NARGS() == 4);
	Assert(!PG_ARGISNULL(0) && !PG_ARGISNULL(1));
	GetUserIdAndSecContext(&saved_role, &saved_security);
	SetUserIdAndSecContext(PG_GETARG_OID(1), saved_security | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", GetConfigOptionResetString("search_path"), PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	result = run_as_invoke(fcinfo, &isnull);
	AtEOXact_GUC(true, guc_level);
	SetUserIdAndSecContext(saved_role, saved_security);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

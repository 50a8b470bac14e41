/*-------------------------------------------------------------------------
 *
 * entry.c
 *	  The way into the functions of schema herald.
 *
 * 1. Each of them is an entry: a C function that calls the body, a function of the same
 *	  name and arguments in schema herald_body.  Nobody but the owner of the extension may
 *	  call a body without its entry.
 *
 * 2. The server lets everybody call an entry.  The entry itself checks that its caller was
 *	  granted EXECUTE on it, and not as one of PUBLIC, before it does anything else.  So the
 *	  error can name the role that the caller lacks: the server's own error cannot.
 *
 *	  The views do the same with SELECT: their WHERE clause calls
 *	  herald_internal.check_reader(), which has no column, before the first row is read.
 *
 * 3. An error of the body keeps its text, its DETAIL and its HINT.  It loses the context of
 *	  the extension's own functions, except the lines that are meant for users (message.h), and
 *	  keeps that of its caller.  An internal error keeps all: it is a report of a bug.
 *
 * 4. JIT compiles nothing that a body runs.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "message.h"
#include "pin.h"

/* An entry that a query calls; it lives as long as the query. */
typedef struct Entry
{
	FmgrInfo body;
	Oid caller; /* the role that was checked last */
} Entry;

/* The caller of the innermost entry; InvalidOid outside of entries. */
static Oid current_caller = InvalidOid;

/* ----- the privilege */

/* A function or a view that checks its caller. */
typedef struct Guarded
{
	const char *kind;
	const char *name;
	Oid owner;
	List *roles; /* that have the privilege; PUBLIC is not among them */
	char *grant; /* the least to grant; NULL: the first of the roles */
} Guarded;

/* Returns the roles with a privilege, but not PUBLIC. */
static List *
granted_roles(Datum privileges, bool isnull, AclMode wanted)
{
	List *roles = NIL;
	Acl *acl = isnull ? NULL : DatumGetAclP(privileges);

	for (int i = 0; acl != NULL && i < ACL_NUM(acl); i++)
	{
		const AclItem *item = &ACL_DAT(acl)[i];

		if (item->ai_grantee != ACL_ID_PUBLIC && (ACLITEM_GET_PRIVS(*item) & wanted) != 0)
			roles = lappend_oid(roles, item->ai_grantee);
	}
	return roles;
}

static bool
is_open_to(const Guarded *guarded, Oid caller)
{
	ListCell *cell;

	if (superuser_arg(caller) || has_privs_of_role(caller, guarded->owner))
		return true;
	foreach (cell, guarded->roles)
	{
		if (has_privs_of_role(caller, lfirst_oid(cell)))
			return true;
	}
	return false;
}

/* Raises an error that names the roles with the privilege, except the owner. */
static void
refuse_caller(const Guarded *guarded, Oid caller)
{
	StringInfoData names;
	const char *first = NULL;
	const char *member = quote_identifier(GetUserNameFromId(caller, false));
	ListCell *cell;

	initStringInfo(&names);
	foreach (cell, guarded->roles)
	{
		const char *name;

		if (lfirst_oid(cell) == guarded->owner)
			continue;
		name = quote_identifier(GetUserNameFromId(lfirst_oid(cell), false));
		appendStringInfo(&names, "%s%s", first == NULL ? "" : " or ", name);
		first = first == NULL ? name : first;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for %s %s", guarded->kind, guarded->name),
			 first == NULL ? 0 : errdetail("Role \"%s\" is not a member of role %s.", GetUserNameFromId(caller, false), names.data),
			 first == NULL ? 0 : errhint("GRANT %s TO %s;", guarded->grant != NULL ? guarded->grant : first, member)));
}

static void
entry_check(HeapTuple function, Oid caller)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(function);
	bool isnull;
	Datum privileges = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proacl, &isnull);
	Guarded guarded = { "function", NameStr(form->proname), form->proowner,
						granted_roles(privileges, isnull, ACL_EXECUTE), NULL };

	if (!is_open_to(&guarded, caller))
		refuse_caller(&guarded, caller);
	list_free(guarded.roles);
}

PG_FUNCTION_INFO_V1(herald_check_reader);

/*
 * herald_internal.check_reader(name) returns true, or raises an error if the caller was not granted SELECT on the
 * view of that name in schema herald.
 */
Datum
herald_check_reader(PG_FUNCTION_ARGS)
{
	Oid caller = GetUserId();
	Oid found = get_relname_relid(text_to_cstring(PG_GETARG_TEXT_PP(0)), get_namespace_oid("herald", false));
	HeapTuple relation = SearchSysCache1(RELOID, ObjectIdGetDatum(found));
	Form_pg_class form;
	bool isnull;
	Datum privileges;
	Guarded guarded;

	if (!HeapTupleIsValid(relation))
		PG_RETURN_NULL();
	form = (Form_pg_class) GETSTRUCT(relation);
	privileges = SysCacheGetAttr(RELOID, relation, Anum_pg_class_relacl, &isnull);
	guarded = (Guarded){ "view", NameStr(form->relname), form->relowner, granted_roles(privileges, isnull, ACL_SELECT),
						 psprintf("SELECT ON herald.%s", NameStr(form->relname)) };
	if (!is_open_to(&guarded, caller) && !has_privs_of_role(caller, ROLE_PG_READ_ALL_DATA))
		refuse_caller(&guarded, caller);
	list_free(guarded.roles);
	ReleaseSysCache(relation);
	PG_RETURN_BOOL(true);
}

/* ----- the body */

/* Fills in the function of schema herald_body with the name and the arguments of the entry. */
static void
entry_find_body(HeapTuple function, const FmgrInfo *entry, FmgrInfo *body)
{
	bool isnull;
	Datum arguments = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proargtypes, &isnull);
	Oid found = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
								NameGetDatum(&((Form_pg_proc) GETSTRUCT(function))->proname), arguments,
								ObjectIdGetDatum(get_namespace_oid("herald_body", false)));

	if (!OidIsValid(found))
		elog(ERROR, "entry %u has no body", entry->fn_oid);
	fmgr_info_cxt(found, body, entry->fn_mcxt);
	fmgr_info_set_expr(entry->fn_expr, body);
}

/* Returns whether the body, like any strict function, is not called because an argument is null. */
static bool
entry_meets_null(const Entry *entry, FunctionCallInfo fcinfo)
{
	for (int i = 0; entry->body.fn_strict && i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i))
			return true;
	}
	return false;
}

/* Returns the entry of a call, after a check of its caller. */
static Entry *
entry_of(FmgrInfo *flinfo)
{
	Entry *entry = flinfo->fn_extra;
	HeapTuple function;

	if (entry != NULL && entry->caller == GetUserId())
		return entry;
	function = SearchSysCache1(PROCOID, ObjectIdGetDatum(flinfo->fn_oid));
	if (!HeapTupleIsValid(function))
		elog(ERROR, "cache lookup failed for function %u", flinfo->fn_oid);
	entry_check(function, GetUserId());
	if (entry == NULL)
	{
		entry = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Entry));
		entry_find_body(function, flinfo, &entry->body);
		flinfo->fn_extra = entry;
	}
	entry->caller = GetUserId();
	ReleaseSysCache(function);
	return entry;
}

/* ----- the context of errors */

/* Returns the last line of a text that begins with the words; NULL if none does. */
static char *
last_line(char *text, const char *words)
{
	char *last = NULL;

	for (char *line = text; line != NULL; line = strchr(line, '\n'))
	{
		line += *line == '\n';
		if (strncmp(line, words, strlen(words)) == 0)
			last = line;
	}
	return last;
}

/*
 * Returns the last line that is meant for users, and the lines before it that are not about a function of the
 * extension, nor about its statement that called code of the application; NULL without such a line.
 */
static char *
entry_context(char *context)
{
	char *line = last_line(context, MESSAGE_CONTEXT);
	char *marked;

	if (line == NULL)
		return NULL;
	marked = pnstrdup(line, strcspn(line, "\n"));
	*line = '\0';
	line = strstr(context, "PL/pgSQL function herald_internal.");
	if (line != NULL)
	{
		*line = '\0';
		line = last_line(context, "SQL statement \"");
		if (line != NULL)
			*line = '\0';
	}
	return psprintf("%s%s", context, marked);
}

/* Raises the error that was caught again, with the context of the caller. */
static void
entry_raise(MemoryContext memory)
{
	ErrorData *error;

	MemoryContextSwitchTo(memory);
	error = CopyErrorData();
	FlushErrorState();
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INTERNAL_ERROR)
		error->context = entry_context(error->context);
	ThrowErrorData(error);
}

PG_FUNCTION_INFO_V1(herald_entry);

/* The entry of any function: calls its body with the same arguments. */
Datum
herald_entry(PG_FUNCTION_ARGS)
{
	FmgrInfo *flinfo = fcinfo->flinfo;
	Entry *entry = entry_of(flinfo);
	ErrorContextCallback *callers = error_context_stack;
	Oid outer_caller = current_caller;
	MemoryContext memory = CurrentMemoryContext;
	Datum result = (Datum) 0;
	int guc_level;

	if (entry_meets_null(entry, fcinfo))
	{
		if (entry->body.fn_retset)
			((ReturnSetInfo *) fcinfo->resultinfo)->isDone = ExprEndResult;
		PG_RETURN_NULL();
	}
	fcinfo->flinfo = &entry->body;
	current_caller = entry->caller;
	guc_level = NewGUCNestLevel();
	pin_jit();
	PG_TRY();
	{
		error_context_stack = NULL;
		result = FunctionCallInvoke(fcinfo);
	}
	PG_CATCH();
	{
		fcinfo->flinfo = flinfo;
		current_caller = outer_caller;
		entry_raise(memory);
	}
	PG_END_TRY();
	AtEOXact_GUC(true, guc_level);
	fcinfo->flinfo = flinfo;
	current_caller = outer_caller;
	error_context_stack = callers;
	return result;
}

PG_FUNCTION_INFO_V1(herald_entry_caller);

/* herald_internal.entry_caller() returns the caller of the innermost entry. */
Datum
herald_entry_caller(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(OidIsValid(current_caller) ? current_caller : GetUserId());
}

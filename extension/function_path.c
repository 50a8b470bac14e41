/*-------------------------------------------------------------------------
 *
 * function_path.c
 *	  Finds the search path for functions of the application that have none.
 *
 * 1. Names in a function's body are found when it runs, with the search path of its
 *	  caller.  With ours, an application's function would not find its tables.  So the
 *	  query that calls it runs with the schema of the function behind pg_catalog.
 *
 * 2. A role that may create objects in that schema could put its own in the place of
 *	  those that the query names.  So all such roles must be members of the role that
 *	  runs the query.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "function_path.h"

static bool
sets_search_path(Datum settings)
{
	Datum *elements;
	int count;

	deconstruct_array(DatumGetArrayTypeP(settings), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		if (strncmp(TextDatumGetCString(elements[i]), "search_path=", strlen("search_path=")) == 0)
			return true;
	}
	return false;
}

/* Returns whether names in the function's body depend on the search path of its caller. */
static bool
uses_callers_path(HeapTuple function)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(function);
	Datum settings;
	bool isnull;

	if (form->oid < FirstNormalObjectId || form->prolang == INTERNALlanguageId || form->prolang == ClanguageId)
		return false;
	(void) SysCacheGetAttr(PROCOID, function, Anum_pg_proc_prosqlbody, &isnull);
	if (!isnull || OidIsValid(getExtensionOfObject(ProcedureRelationId, form->oid)))
		return false;
	settings = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proconfig, &isnull);
	return isnull || !sets_search_path(settings);
}

static bool
add_function(Oid function, void *functions)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		return false;
	if (uses_callers_path(tuple))
		*(List **) functions = list_append_unique_oid(*(List **) functions, function);
	ReleaseSysCache(tuple);
	return false;
}

static bool
collect_functions(Node *node, List **functions)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query *query = (Query *) node;

		if (query->utilityStmt != NULL && IsA(query->utilityStmt, ExplainStmt))
			return collect_functions(((ExplainStmt *) query->utilityStmt)->query, functions);
		return query_tree_walker(query, collect_functions, functions, 0);
	}
	check_functions_in_node(node, add_function, functions);
	return expression_tree_walker(node, collect_functions, functions);
}

static Oid
database_owner(void)
{
	HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Oid owner = HeapTupleIsValid(tuple) ? ((Form_pg_database) GETSTRUCT(tuple))->datdba : InvalidOid;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return owner;
}

/* Returns whether a role may act as the other one anyway. */
static bool
may_act_as(Oid role, Oid other)
{
	if (role == ROLE_PG_DATABASE_OWNER)
		role = database_owner();
	return role == other || is_member_of_role(role, other);
}

/* Adds the name of a role, unless it may act as the other one. */
static void
add_creator(StringInfo names, Oid creator, Oid role)
{
	const char *name = creator == ACL_ID_PUBLIC ? "PUBLIC" : NULL;

	if (name == NULL && may_act_as(creator, role))
		return;
	if (name == NULL)
		name = quote_identifier(GetUserNameFromId(creator, true));
	appendStringInfo(names, "%s%s", names->len > 0 ? ", " : "", name);
}

/* Returns the roles that may create objects in a schema and may not act as the role, as SQL lists them; NULL: none. */
static char *
schema_creators(Oid schema, Oid role)
{
	HeapTuple tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	StringInfoData names;
	bool isnull = true;
	Oid owner;
	Datum acl;

	initStringInfo(&names);
	if (!HeapTupleIsValid(tuple))
		return names.data;
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	add_creator(&names, owner, role);
	acl = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &isnull);
	if (!isnull)
	{
		Acl *list = DatumGetAclP(acl);

		for (int i = 0; i < ACL_NUM(list); i++)
		{
			const AclItem *item = &ACL_DAT(list)[i];

			if ((ACLITEM_GET_PRIVS(*item) & ACL_CREATE) && item->ai_grantee != owner)
				add_creator(&names, item->ai_grantee, role);
		}
	}
	ReleaseSysCache(tuple);
	return names.len > 0 ? names.data : NULL;
}

static void
on_path_change(Datum generation, int cache, uint32 hash)
{
	++*(uint64 *) DatumGetPointer(generation);
}

uint64
function_path_generation(void)
{
	static uint64 generation = 0;

	if (generation == 0)
	{
		generation = 1;
		CacheRegisterSyscacheCallback(PROCOID, on_path_change, PointerGetDatum(&generation));
		CacheRegisterSyscacheCallback(NAMESPACEOID, on_path_change, PointerGetDatum(&generation));
		CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, on_path_change, PointerGetDatum(&generation));
		CacheRegisterSyscacheCallback(AUTHOID, on_path_change, PointerGetDatum(&generation));	  /* superusers */
		CacheRegisterSyscacheCallback(DATABASEOID, on_path_change, PointerGetDatum(&generation)); /* its owner */
	}
	return generation;
}

/* Sorts the schemas of functions without a search path of their own: *refused is a function of an open one. */
static List *
closed_schemas(List *trees, Oid role, Oid *refused)
{
	List *functions = NIL;
	List *schemas = NIL;
	ListCell *cell;

	*refused = InvalidOid;
	foreach (cell, trees)
		collect_functions(lfirst(cell), &functions);
	foreach (cell, functions)
	{
		if (schema_creators(get_func_namespace(lfirst_oid(cell)), role) == NULL)
			schemas = list_append_unique_oid(schemas, get_func_namespace(lfirst_oid(cell)));
		else
			*refused = lfirst_oid(cell);
	}
	return schemas;
}

char *
function_path(List *trees, Oid role)
{
	Oid refused;
	List *schemas = closed_schemas(trees, role, &refused);
	StringInfoData path;
	ListCell *cell;

	if (schemas == NIL)
		return NULL;
	initStringInfo(&path);
	appendStringInfoString(&path, "pg_catalog");
	foreach (cell, schemas)
		appendStringInfo(&path, ", %s", quote_identifier(get_namespace_name(lfirst_oid(cell))));
	appendStringInfoString(&path, ", pg_temp");
	return path.data;
}

void
function_path_check(List *trees, Oid role)
{
	Oid refused;
	Oid schema;
	const char *function;
	const char *name;
	const char *creators;

	(void) closed_schemas(trees, role, &refused);
	if (!OidIsValid(refused))
		return;
	schema = get_func_namespace(refused);
	function = format_procedure_qualified(refused);
	name = quote_identifier(get_namespace_name(schema));
	creators = schema_creators(schema, role);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("function %s has no search path of its own", function),
			 errdetail("Roles that may create objects in schema %s could put them in the place of those that it names: %s.",
					   name, creators),
			 errhint("REVOKE CREATE ON SCHEMA %s FROM %s; or write the schemas of all names in the function, and "
					 "ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp;",
					 name, creators, function)));
}

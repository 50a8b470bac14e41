/*-------------------------------------------------------------------------
 *
 * own_schemas.c
 *	  Refuses an installation into schemas that exist already.
 *
 * The error of CREATE SCHEMA itself has no hint.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(herald_check_schemas);

/* Raises an error if one of the schemas that the installation makes is there.  The installation runs it first. */
Datum
herald_check_schemas(PG_FUNCTION_ARGS)
{
	static const char *const names[] = { "herald", "herald_body", "herald_internal" };

	for (int i = 0; i < lengthof(names); i++)
	{
		if (!OidIsValid(get_namespace_oid(names[i], true)))
			continue;
		error_context_stack = NULL; /* the script of the installation is not the user's */
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_SCHEMA), errmsg("schema \"%s\" already exists", names[i]),
						errdetail("Extension pg_herald creates the schemas herald, herald_internal and herald_body itself, "
								  "and drops them with the extension."),
						errhint("Rename the schema (ALTER SCHEMA %s RENAME TO ...) or drop it, and run CREATE EXTENSION "
								"pg_herald again.",
								names[i])));
	}
	PG_RETURN_VOID();
}

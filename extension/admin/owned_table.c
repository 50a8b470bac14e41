/*-------------------------------------------------------------------------
 *
 * owned_table.c
 *	  Opens tables for callers that own them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"

#include "admin/owned_table.h"
#include "compat.h"

static void
refuse_stranger(Relation relation)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("must be owner of table %s", RelationGetRelationName(relation)),
					errdetail("It belongs to role \"%s\".", GetUserNameFromId(relation->rd_rel->relowner, false)),
					errhint("Call the function as a member of that role.")));
}

Relation
owned_table_open(Oid relid)
{
	Relation relation = table_open(relid, AccessShareLock);

	if (!relation_is_owned_by(relid, GetUserId()))
		refuse_stranger(relation);
	return relation;
}

PG_FUNCTION_INFO_V1(herald_check_owned);

/* herald_internal.check_owned(relation) raises an error unless its caller owns the table. */
Datum
herald_check_owned(PG_FUNCTION_ARGS)
{
	table_close(owned_table_open(PG_GETARG_OID(0)), AccessShareLock);
	PG_RETURN_VOID();
}

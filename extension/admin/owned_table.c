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
#include "catalog/objectaddress.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "admin/owned_table.h"
#include "compat.h"

Relation
owned_table_open(Oid relid)
{
	Relation relation = table_open(relid, AccessShareLock);

	if (!relation_is_owned_by(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
	return relation;
}

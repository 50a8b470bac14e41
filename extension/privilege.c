/*-------------------------------------------------------------------------
 *
 * privilege.c
 *	  Checks the privileges that a query needs, without planning it.
 *
 * The server checks privileges when the executor starts.  The planner runs before:
 * it evaluates the application's immutable functions, which may take any time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "privilege.h"

static bool
check_function(Oid function, void *context)
{
	AclResult result = check_execute(function, GetUserId());

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
	return false;
}

static bool
check_node(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		check_tables((Query *) node);
		return query_tree_walker((Query *) node, check_node, context, 0);
	}
	check_functions_in_node(node, check_function, NULL);
	return expression_tree_walker(node, check_node, context);
}

void
privilege_check(List *trees)
{
	ListCell *cell;

	foreach (cell, trees)
		check_node(lfirst(cell), NULL);
}

/*-------------------------------------------------------------------------
 *
 * plain_expression.c
 *	  Decides whether an expression runs no SQL of the application, and depends on
 *	  no setting beside the pinned ones.
 *
 * 1. A type of the application may come with functions of the application: for its text,
 *	  for casts to JSON, for comparisons.  The text of regclass and its relatives depends
 *	  on the search path.  So the types are those that only hold data.
 *
 * 2. An immutable function of the server in C depends on its arguments alone, as does one
 *	  of ours.  One of another extension may only say so.  The other functions are known
 *	  ones: their results depend on the time and on settings that pin.c pins.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "plain_expression.h"

static const Oid plain_types[] = {
	BOOLOID, INT2OID, INT4OID, INT8OID, FLOAT4OID, FLOAT8OID, NUMERICOID, TEXTOID, VARCHAROID, BPCHAROID, UUIDOID,
	XID8OID, JSONOID, JSONBOID, DATEOID, TIMEOID, TIMETZOID, TIMESTAMPOID, TIMESTAMPTZOID, INTERVALOID, BYTEAOID,
	UNKNOWNOID, /* literals */
	RECORDOID,	/* of such columns */
};

/* Functions that are not immutable. */
static const Oid plain_functions[] = {
	F_NOW,
	F_TRANSACTION_TIMESTAMP,
	F_STATEMENT_TIMESTAMP,
	F_CLOCK_TIMESTAMP,
	F_TO_CHAR_TIMESTAMP_TEXT,
	F_TO_CHAR_TIMESTAMPTZ_TEXT,
	F_DATE_OUT,
	F_TIMESTAMP_OUT,
	F_TIMESTAMPTZ_OUT,
	F_INTERVAL_OUT,
	F_ARRAY_OUT,
	F_ANYTEXTCAT,
	F_TEXTANYCAT,
	F_CONCAT,
	F_CONCAT_WS,
	F_FORMAT_TEXT,
	F_FORMAT_TEXT_ANY,
	F_ARRAY_TO_JSON_ANYARRAY,
	F_ROW_TO_JSON_RECORD,
	F_TO_JSON,
	F_TO_JSONB,
	F_JSON_BUILD_ARRAY_,
	F_JSON_BUILD_ARRAY_ANY,
	F_JSON_BUILD_OBJECT_,
	F_JSON_BUILD_OBJECT_ANY,
	F_JSONB_BUILD_ARRAY_,
	F_JSONB_BUILD_ARRAY_ANY,
	F_JSONB_BUILD_OBJECT_,
	F_JSONB_BUILD_OBJECT_ANY,
};

static bool
includes_oid(const Oid *oids, size_t count, Oid wanted)
{
	size_t i = 0;

	while (i < count && oids[i] != wanted)
		i++;
	return i < count;
}

static bool
is_plain_type(Oid type)
{
	return includes_oid(plain_types, lengthof(plain_types), type) ||
		   includes_oid(plain_types, lengthof(plain_types), get_element_type(type));
}

/* Returns whether a function is code of the server, or C of this extension, whose schema takes no other. */
static bool
is_known_code(Oid function, Form_pg_proc properties)
{
	if (properties->prolang == ClanguageId)
		return properties->pronamespace == get_namespace_oid("herald", true);
	return function < FirstUnpinnedObjectId && properties->prolang == INTERNALlanguageId;
}

/* Returns whether a function is not known to be plain. */
static bool
is_other_function(Oid function, void *context)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc properties;
	bool plain;

	if (!HeapTupleIsValid(row))
		return true;
	properties = (Form_pg_proc) GETSTRUCT(row);
	plain = (is_known_code(function, properties) && properties->provolatile == PROVOLATILE_IMMUTABLE) ||
			includes_oid(plain_functions, lengthof(plain_functions), function);
	ReleaseSysCache(row);
	return !plain;
}

/* Returns whether an expression contains anything that is not known to be plain. */
static bool
find_other(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_List:
		case T_TargetEntry:
		case T_CaseWhen:
			return expression_tree_walker(node, find_other, context);
		case T_Var:
		case T_Const:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseTestExpr:
		case T_CoalesceExpr:
		case T_RelabelType:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_ArrayExpr:
		case T_RowExpr:
		case T_SubscriptingRef:
			return !is_plain_type(exprType(node)) || check_functions_in_node(node, is_other_function, NULL) ||
				   expression_tree_walker(node, find_other, context);
		default:
			return true;
	}
}

bool
expression_is_plain(Node *expression)
{
	return !find_other(expression, NULL);
}

bool
operators_are_plain(Oid class_or_family)
{
	return class_or_family < FirstUnpinnedObjectId;
}

/*-------------------------------------------------------------------------
 *
 * node_image.c
 *	  Writes expression trees as bytes, and reads them.
 *
 * An image is the node's structure, followed by those of its children.  Pointers in it
 * have no meaning.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "utils/datum.h"

#include "node_image.h"

#define MOST_CHILDREN 3

/* A kind of nodes whose pointers are all children. */
typedef struct NodeForm
{
	NodeTag tag;
	Size size;
	int child_count;
	Size children[MOST_CHILDREN]; /* where the pointers to them are */
} NodeForm;

static const NodeForm forms[] = {
	{ T_Var, sizeof(Var), 0, { 0 } },
	{ T_Const, sizeof(Const), 0, { 0 } },
	{ T_FuncExpr, sizeof(FuncExpr), 1, { offsetof(FuncExpr, args) } },
	{ T_OpExpr, sizeof(OpExpr), 1, { offsetof(OpExpr, args) } },
	{ T_DistinctExpr, sizeof(DistinctExpr), 1, { offsetof(DistinctExpr, args) } },
	{ T_NullIfExpr, sizeof(NullIfExpr), 1, { offsetof(NullIfExpr, args) } },
	{ T_ScalarArrayOpExpr, sizeof(ScalarArrayOpExpr), 1, { offsetof(ScalarArrayOpExpr, args) } },
	{ T_BoolExpr, sizeof(BoolExpr), 1, { offsetof(BoolExpr, args) } },
	{ T_RelabelType, sizeof(RelabelType), 1, { offsetof(RelabelType, arg) } },
	{ T_CoerceViaIO, sizeof(CoerceViaIO), 1, { offsetof(CoerceViaIO, arg) } },
	{ T_ArrayCoerceExpr,
	  sizeof(ArrayCoerceExpr),
	  2,
	  { offsetof(ArrayCoerceExpr, arg), offsetof(ArrayCoerceExpr, elemexpr) } },
	{ T_CaseExpr,
	  sizeof(CaseExpr),
	  3,
	  { offsetof(CaseExpr, arg), offsetof(CaseExpr, args), offsetof(CaseExpr, defresult) } },
	{ T_CaseWhen, sizeof(CaseWhen), 2, { offsetof(CaseWhen, expr), offsetof(CaseWhen, result) } },
	{ T_TargetEntry, sizeof(TargetEntry), 1, { offsetof(TargetEntry, expr) } },
	{ T_CaseTestExpr, sizeof(CaseTestExpr), 0, { 0 } },
	{ T_CoalesceExpr, sizeof(CoalesceExpr), 1, { offsetof(CoalesceExpr, args) } },
	{ T_NullTest, sizeof(NullTest), 1, { offsetof(NullTest, arg) } },
	{ T_BooleanTest, sizeof(BooleanTest), 1, { offsetof(BooleanTest, arg) } },
	{ T_ArrayExpr, sizeof(ArrayExpr), 1, { offsetof(ArrayExpr, elements) } },
};

static const NodeForm *
form_of(NodeTag tag)
{
	for (int i = 0; i < lengthof(forms); i++)
	{
		if (forms[i].tag == tag)
			return &forms[i];
	}
	return NULL;
}

static bool
write_list(StringInfo image, const List *list)
{
	ListCell *cell;

	appendBinaryStringInfo(image, (const char *) &list->length, sizeof(int));
	foreach (cell, list)
	{
		if (!IsA(list, List))
			appendBinaryStringInfo(image, (const char *) &lfirst_int(cell), sizeof(int));
		else if (!node_image_write(image, lfirst(cell)))
			return false;
	}
	return true;
}

/* Appends the value of a constant that is elsewhere. */
static void
write_constant(StringInfo image, const Const *constant)
{
	int size;

	if (constant->constisnull || constant->constbyval)
		return;
	size = (int) datumGetSize(constant->constvalue, false, constant->constlen);
	appendBinaryStringInfo(image, (const char *) &size, sizeof(int));
	appendBinaryStringInfo(image, DatumGetPointer(constant->constvalue), size);
}

static bool
write_node(StringInfo image, const Node *node)
{
	const NodeForm *form = form_of(nodeTag(node));

	if (form == NULL)
		return false;
	appendBinaryStringInfo(image, (const char *) node, (int) form->size);
	if (IsA(node, Const))
		write_constant(image, (const Const *) node);
	for (int i = 0; i < form->child_count; i++)
	{
		if (!node_image_write(image, *(const void *const *) ((const char *) node + form->children[i])))
			return false;
	}
	return true;
}

bool
node_image_write(StringInfo image, const void *tree)
{
	NodeTag tag = tree == NULL ? T_Invalid : nodeTag(tree);

	check_stack_depth();
	appendBinaryStringInfo(image, (const char *) &tag, sizeof(NodeTag));
	if (tree == NULL)
		return true;
	if (tag == T_List || tag == T_IntList || tag == T_OidList)
		return write_list(image, tree);
	return write_node(image, tree);
}

static void
take(const char **at, void *to, Size size)
{
	memcpy(to, *at, size);
	*at += size;
}

static List *
read_list(const char **at, NodeTag tag)
{
	List *list = NIL;
	int length;
	int number;

	take(at, &length, sizeof(int));
	for (int i = 0; i < length; i++)
	{
		if (tag == T_List)
		{
			list = lappend(list, node_image_read(at));
			continue;
		}
		take(at, &number, sizeof(int));
		list = tag == T_IntList ? lappend_int(list, number) : lappend_oid(list, (Oid) number);
	}
	return list;
}

static void
read_constant(const char **at, Const *constant)
{
	int size;
	char *value;

	if (constant->constisnull || constant->constbyval)
		return;
	take(at, &size, sizeof(int));
	value = palloc(size);
	take(at, value, size);
	constant->constvalue = PointerGetDatum(value);
}

void *
node_image_read(const char **at)
{
	const NodeForm *form;
	NodeTag tag;
	char *node;

	check_stack_depth();
	take(at, &tag, sizeof(NodeTag));
	if (tag == T_Invalid)
		return NULL;
	if (tag == T_List || tag == T_IntList || tag == T_OidList)
		return read_list(at, tag);
	form = form_of(tag);
	Assert(form != NULL);
	node = palloc(form->size);
	take(at, node, form->size);
	if (tag == T_Const)
		read_constant(at, (Const *) node);
	for (int i = 0; i < form->child_count; i++)
		*(void **) (node + form->children[i]) = node_image_read(at);
	return node;
}

/*-------------------------------------------------------------------------
 *
 * lookup_index.c
 *	  Finds the index by which a lookup plan reads a table.
 *
 * Reads the catalog's rows about indexes, and opens none: the first time that a session
 * opens an index costs as much as twenty look-ups.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opclass.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "lookup_index.h"
#include "plain_expression.h"

/* An index and the parts of the condition that are its keys, in the order of its columns. */
typedef struct IndexMatch
{
	Oid index;
	bool single;
	List *parts;
	List *keys;		/* expressions */
	List *families; /* operator families */
	List *operators;
} IndexMatch;

typedef struct LastInput
{
	const LookupPlan *plan;
	int last;
} LastInput;

static bool
find_last_input(Node *node, void *argument)
{
	LastInput *search = argument;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var *column = list_nth(search->plan->columns, ((Var *) node)->varattno - 1);

		search->last = Max(search->last, (int) column->varno == ROW_NUMBER ? 0 : (int) column->varno);
		return false;
	}
	return expression_tree_walker(node, find_last_input, argument);
}

int
lookup_last_input(Node *expression, const LookupPlan *plan)
{
	LastInput search = { plan, -1 };

	find_last_input(expression, &search);
	return search.last;
}

/* Returns whether an expression is a column of an input. */
static bool
is_column(Node *node, const LookupPlan *plan, int input, AttrNumber number)
{
	Var *column;

	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (!IsA(node, Var))
		return false;
	column = list_nth(plan->columns, ((Var *) node)->varattno - 1);
	return (int) column->varno == input && column->varattno == number;
}

/* Returns whether an expression is known before an input is read, and has the same value for all of its rows. */
static bool
is_known(Node *node, const LookupPlan *plan, int input)
{
	return lookup_last_input(node, plan) < input && !contain_volatile_functions(node);
}

/* Returns the operator that compares the column with a key, and sets the key; InvalidOid for another part. */
static Oid
operator_of(Node *part, const LookupPlan *plan, int input, AttrNumber column, Node **key)
{
	OpExpr *compared = (OpExpr *) part;

	if (!IsA(part, OpExpr) || list_length(compared->args) != 2)
		return InvalidOid;
	*key = lsecond(compared->args);
	if (is_column(linitial(compared->args), plan, input, column) && is_known(*key, plan, input))
		return compared->opno;
	*key = linitial(compared->args);
	if (is_column(lsecond(compared->args), plan, input, column) && is_known(*key, plan, input))
		return get_commutator(compared->opno);
	return InvalidOid;
}

/* Finds the part of a condition that compares a column of an index for equality.  Returns whether there is one. */
static bool
match_column(IndexMatch *match, const LookupPlan *plan, int input, AttrNumber column, Oid family, Oid collation)
{
	ListCell *cell;

	foreach (cell, OidIsValid(family) ? plan->inputs[input].condition : NIL)
	{
		Node *key;
		Oid operator= operator_of(lfirst(cell), plan, input, column, &key);

		if (!OidIsValid(operator) || get_op_opfamily_strategy(operator, family) != BTEqualStrategyNumber ||
			(OidIsValid(collation) && collation != ((OpExpr *) lfirst(cell))->inputcollid))
			continue;
		match->parts = lappend(match->parts, lfirst(cell));
		match->keys = lappend(match->keys, key);
		match->families = lappend_oid(match->families, family);
		match->operators = lappend_oid(match->operators, operator);
		return true;
	}
	return false;
}

/* Returns the operator family of an operator class, if that is one of btree. */
static Oid
btree_family(Oid class)
{
	HeapTuple row = SearchSysCache1(CLAOID, ObjectIdGetDatum(class));
	Oid family = InvalidOid;

	if (!HeapTupleIsValid(row))
		return InvalidOid;
	if (((Form_pg_opclass) GETSTRUCT(row))->opcmethod == BTREE_AM_OID)
		family = ((Form_pg_opclass) GETSTRUCT(row))->opcfamily;
	ReleaseSysCache(row);
	return family;
}

/* Returns whether an index has all rows that any snapshot of this transaction sees.  It may have them later. */
static bool
has_all_rows(LookupPlan *plan, HeapTuple row)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(row);

	if (!index->indisvalid || !heap_attisnull(row, Anum_pg_index_indpred, NULL))
		return false;
	if (!index->indcheckxmin || TransactionIdPrecedes(HeapTupleHeaderGetXmin(row->t_data), TransactionXmin))
		return true;
	plan->transient = true;
	return false;
}

/* Returns the match of an index, by its row in pg_index. */
static IndexMatch
match_index(LookupPlan *plan, int input, HeapTuple row)
{
	Form_pg_index index = (Form_pg_index) GETSTRUCT(row);
	IndexMatch match = { .index = index->indexrelid };
	bool isnull;
	oidvector *classes;
	oidvector *collations;
	int column = 0;

	if (!has_all_rows(plan, row))
		return match;
	classes = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, row, Anum_pg_index_indclass, &isnull));
	collations = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, row, Anum_pg_index_indcollation, &isnull));
	while (column < index->indnkeyatts && index->indkey.values[column] > 0 &&
		   match_column(&match, plan, input, index->indkey.values[column], btree_family(classes->values[column]),
						collations->values[column]))
		column++;
	match.single = index->indisunique && index->indimmediate && column == index->indnkeyatts;
	return match;
}

/* Returns the best match of the indexes of a table: one that finds a single row, or that compares most columns. */
static IndexMatch
best_match(LookupPlan *plan, int input)
{
	Relation table = table_open(plan->inputs[input].table, NoLock);
	List *indexes = RelationGetIndexList(table);
	IndexMatch best = { 0 };
	ListCell *cell;

	foreach (cell, indexes)
	{
		HeapTuple row = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		IndexMatch match;

		if (!HeapTupleIsValid(row))
			continue;
		match = match_index(plan, input, row);
		ReleaseSysCache(row);
		if (match.single || list_length(match.keys) > list_length(best.keys))
			best = match;
		if (match.single)
			break;
	}
	list_free(indexes);
	table_close(table, NoLock);
	return best;
}

/*
 * Sets the index of an input, and makes keys of those parts of its condition that compare the leading columns of the
 * index with values of earlier inputs.  Returns false if it has no such index.
 */
static bool
find_index(LookupPlan *plan, int number)
{
	LookupInput *input = &plan->inputs[number];
	IndexMatch match = best_match(plan, number);

	input->index = match.index;
	input->single = match.single;
	input->keys = match.keys;
	input->key_count = list_length(match.keys);
	input->scan_keys = palloc0(sizeof(ScanKeyData) * (input->key_count + 1));
	input->varlena_keys = palloc(sizeof(bool) * (input->key_count + 1));
	for (int i = 0; i < input->key_count; i++)
	{
		Oid operator= list_nth_oid(match.operators, i);
		int strategy;
		Oid left;
		Oid right;

		get_op_opfamily_properties(operator, list_nth_oid(match.families, i), false, &strategy, &left, &right);
		ScanKeyEntryInitialize(&input->scan_keys[i], 0, (AttrNumber) (i + 1), BTEqualStrategyNumber, right,
							   ((OpExpr *) list_nth(match.parts, i))->inputcollid, get_opcode(operator), (Datum) 0);
		input->varlena_keys[i] = get_typlen(right) == -1;
		plan->plain = plan->plain && operators_are_plain(list_nth_oid(match.families, i));
	}
	input->condition = list_difference_ptr(input->condition, match.parts);
	return input->key_count > 0;
}

bool
lookup_index_find_all(LookupPlan *plan)
{
	plan->single = true;
	plan->plain = true;
	for (int i = plan->offered_count; i < plan->input_count; i++)
	{
		if (!find_index(plan, i))
			return false;
		plan->single = plan->single && plan->inputs[i].single;
	}
	return true;
}

/* Returns whether the expressions of a plan are plain. */
static bool
has_plain_expressions(const LookupPlan *plan)
{
	for (int i = 0; i < plan->input_count; i++)
	{
		const LookupInput *input = &plan->inputs[i];

		if (!expression_is_plain((Node *) input->keys) || !expression_is_plain((Node *) input->condition) ||
			!expression_is_plain((Node *) input->filter))
			return false;
	}
	return expression_is_plain((Node *) plan->target);
}

bool
lookup_is_plain(const LookupPlan *plan)
{
	return plan->plain && (plan->checked || has_plain_expressions(plan));
}

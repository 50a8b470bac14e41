/*-------------------------------------------------------------------------
 *
 * lookup_translate.c
 *	  Translates expressions of a query into expressions over the joined row of a
 *	  lookup plan.
 *
 * Columns of subqueries are replaced by their expressions, as the planner does when it
 * pulls up a subquery.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"

#include "compat.h"
#include "lookup_translate.h"

static Node *translate_node(Node *node, LookupCompilation *work);

/* Returns the place of a column of an input in the joined row, which it joins if need be. */
static Var *
joined_column(LookupCompilation *work, int input, const Var *column)
{
	LookupPlan *plan = work->plan;
	AttrNumber place = 1;
	ListCell *cell;

	foreach (cell, plan->columns)
	{
		Var *joined = lfirst(cell);

		if ((int) joined->varno == input && joined->varattno == column->varattno)
			break;
		place++;
	}
	if (cell == NULL)
		plan->columns = lappend(plan->columns, makeVar(input, column->varattno, column->vartype, column->vartypmod,
													   column->varcollid, 0));
	if (input != ROW_NUMBER && work->translating != input)
		plan->inputs[input].used = true;
	return makeVar(JOINED_ROW, place, column->vartype, column->vartypmod, column->varcollid, 0);
}

static Node *
does_not_fit(LookupCompilation *work)
{
	work->fits = false;
	return (Node *) makeNullConst(TEXTOID, -1, InvalidOid); /* never evaluated */
}

Node *
lookup_translate(LookupCompilation *work, LookupLevel *level, Node *expression)
{
	LookupLevel *caller = work->level;
	Node *translated;

	work->level = level;
	translated = translate_node(expression, work);
	work->level = caller;
	return translated;
}

/* Translates a row of an offered relation, or of a subquery, as the planner does: a row of its columns. */
static Node *
translate_row(LookupCompilation *work, LookupLevel *level, const Var *row)
{
	RangeTblEntry *rte = rt_fetch(row->varno, level->query->rtable);
	int input = level->inputs[row->varno];
	List *columns = NIL;
	List *names = NIL;
	RowExpr *built = makeNode(RowExpr);

	if (row->vartype != RECORDOID || (input != NO_INPUT && work->plan->inputs[input].offered == NULL))
		return does_not_fit(work);
	expand_columns(rte, row->varno, &names, &columns);
	built->args = (List *) lookup_translate(work, level, (Node *) columns);
	built->row_typeid = RECORDOID;
	built->row_format = COERCE_IMPLICIT_CAST;
	built->colnames = names;
	built->location = -1;
	return (Node *) built;
}

static Node *
translate_column(LookupCompilation *work, const Var *column)
{
	LookupLevel *level = work->level;

	for (Index up = 0; up < column->varlevelsup && level != NULL; up++)
		level = level->outer;
	if (level == NULL || column->varattno < 0)
		return does_not_fit(work);
	if (column->varattno == 0)
		return translate_row(work, level, column);
	if (level->inputs[column->varno] != NO_INPUT)
		return (Node *) joined_column(work, level->inputs[column->varno], column);
	if (level->levels[column->varno] != NULL)
	{
		LookupLevel *inner = level->levels[column->varno];
		TargetEntry *entry = list_nth(inner->query->targetList, column->varattno - 1);

		return lookup_translate(work, inner, (Node *) entry->expr);
	}
	return does_not_fit(work);
}

static Node *
translate_node(Node *node, LookupCompilation *work)
{
	if (node == NULL || !work->fits)
		return node;
	if (IsA(node, Var))
		return translate_column(work, (Var *) node);
	if (IsA(node, WindowFunc) && ((WindowFunc *) node)->winfnoid == F_ROW_NUMBER)
	{
		Var number = { .vartype = INT8OID, .vartypmod = -1 };

		return (Node *) joined_column(work, ROW_NUMBER, &number);
	}
	if (IsA(node, WindowFunc) || IsA(node, SubLink) || IsA(node, Param) || IsA(node, Query) || IsA(node, Aggref) ||
		IsA(node, GroupingFunc) || IsA(node, PlaceHolderVar))
		return does_not_fit(work);
	return expression_tree_mutator(node, translate_node, work);
}

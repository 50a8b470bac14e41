/*-------------------------------------------------------------------------
 *
 * lookup_compile.c
 *	  Compiles a query over offered rows into look-ups by index.
 *
 * Most queries of rules need neither planner nor executor: they look up a few rows by
 * key for each changed row, and compute values from them.  To start the executor
 * costs more than to run them.  Such a query has
 *
 * 1. one offered relation, or two that are joined by row_number() OVER ();
 *
 * 2. INNER and LEFT joins with plain tables, each of which has a btree index whose
 *	  leading columns are compared with values of earlier relations;
 *
 * 3. subqueries that the planner would pull up, too;
 *
 * 4. no order but that of the offered rows, and nothing that collects rows or contains
 *	  a subquery in an expression.
 *
 * The planner takes all other queries.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "catalog_share.h"
#include "lookup_compile.h"
#include "lookup_flatten.h"
#include "lookup_index.h"
#include "lookup_json.h"
#include "lookup_share.h"
#include "lookup_translate.h"
#include "plain_expression.h"
#include "privilege.h"

static bool
is_row_number(Node *node, const LookupPlan *plan)
{
	return IsA(node, Var) && (int) ((Var *) list_nth(plan->columns, ((Var *) node)->varattno - 1))->varno == ROW_NUMBER;
}

/* Returns whether a condition joins the two offered relations by the number of the row. */
static bool
pairs_rows(Node *condition, const LookupPlan *plan)
{
	OpExpr *equal = (OpExpr *) condition;

	return IsA(condition, OpExpr) && equal->opfuncid == F_INT8EQ && is_row_number(linitial(equal->args), plan) &&
		   is_row_number(lsecond(equal->args), plan);
}

/* Adds a condition to the last input that it needs: a table is looked up by it, or the joined row is filtered. */
static void
place_condition(LookupCompilation *work, Node *condition)
{
	LookupPlan *plan = work->plan;
	int last = lookup_last_input(condition, plan);
	LookupInput *input;

	if (pairs_rows(condition, plan))
	{
		work->paired = true;
		return;
	}
	if (last == NO_INPUT)
		last = contain_volatile_functions(condition) ? plan->input_count - 1 : 0;
	input = &plan->inputs[last];
	if (input->offered != NULL || input->left)
		input->filter = lappend(input->filter, condition);
	else
		input->condition = lappend(input->condition, condition);
}

/* Translates all conditions. */
static void
translate_conditions(LookupCompilation *work)
{
	ListCell *cell;

	foreach (cell, work->conditions)
	{
		LevelCondition *from = lfirst(cell);

		work->translating = from->left_input;
		from->condition = lookup_translate(work, from->level, from->condition);
		work->translating = NO_INPUT;
	}
}

/* Translates the select list. */
static void
translate_target(LookupCompilation *work, LookupLevel *level)
{
	ListCell *cell;

	foreach (cell, level->query->targetList)
	{
		TargetEntry *entry = lfirst(cell);
		Expr *value;

		if (entry->resjunk)
			continue;
		value = (Expr *) lookup_translate(work, level, (Node *) entry->expr);
		work->plan->target = lappend(work->plan->target, makeTargetEntry(value, entry->resno, NULL, false));
	}
}

/* Prepares all conditions for evaluation and gives them to the inputs. */
static void
place_conditions(LookupCompilation *work)
{
	ListCell *cell;

	foreach (cell, work->conditions)
	{
		LevelCondition *from = lfirst(cell);
		List *parts = make_ands_implicit(expression_planner((Expr *) from->condition));
		ListCell *part;

		if (from->left_input != NO_INPUT)
			work->plan->inputs[from->left_input].condition = parts;
		foreach (part, from->left_input == NO_INPUT ? parts : NIL)
			place_condition(work, lfirst(part));
	}
}

/* Prepares the select list for evaluation. */
static void
prepare_values(LookupPlan *plan)
{
	ListCell *cell;

	foreach (cell, plan->target)
	{
		TargetEntry *entry = lfirst(cell);

		entry->expr = expression_planner(entry->expr);
	}
}

/* Returns whether a query has no order, or that of the offered rows. */
static bool
keeps_order(LookupCompilation *work, LookupLevel *level)
{
	List *order = level->query->sortClause;
	SortGroupClause *by = order == NIL ? NULL : linitial(order);
	Node *value;

	if (order == NIL)
		return true;
	if (list_length(order) > 1 || by->sortop != Int8LessOperator)
		return false;
	value = lookup_translate(work, level, get_sortgroupclause_expr(by, level->query->targetList));
	return work->fits && is_row_number(value, work->plan);
}

/* Removes inputs that no value depends on: at most one row of them matches, and none is needed. */
static void
remove_useless_inputs(LookupPlan *plan)
{
	for (int i = plan->input_count - 1; i > 0; i--)
	{
		LookupInput *input = &plan->inputs[i];

		if (input->left && !input->used && input->single && input->condition == NIL && input->filter == NIL)
			input->skipped = true;
	}
}

/* Returns the row type of the joined row, and gives the inputs their columns of it. */
static void
set_row(LookupPlan *plan)
{
	AttrNumber place = 0;
	ListCell *cell;

	plan->row = CreateTemplateTupleDesc(list_length(plan->columns));
	foreach (cell, plan->columns)
	{
		Var *column = lfirst(cell);
		LookupInput *input;

		place++;
		TupleDescInitEntry(plan->row, place, NULL, column->vartype, column->vartypmod,
						   type_is_array(column->vartype) ? 1 : 0);
		if ((int) column->varno == ROW_NUMBER)
		{
			plan->row_number = place;
			continue;
		}
		input = &plan->inputs[column->varno];
		if (input->columns == NULL)
			input->columns = palloc(sizeof(LookupColumn) * list_length(plan->columns));
		input->columns[input->column_count++] = (LookupColumn){ column->varattno, place };
		input->last_column = Max(input->last_column, column->varattno);
	}
}

/* Returns whether all tables of a query are inputs of the plan.  A view is none, and has privileges of its own. */
static bool
has_inputs_for_all(const LookupLevel *level)
{
	ListCell *cell;
	int relation = 0;

	foreach (cell, level->query->rtable)
	{
		const RangeTblEntry *rte = lfirst(cell);

		relation++;
		if (OidIsValid(rte->relid) && rte->rtekind != RTE_NAMEDTUPLESTORE && level->inputs[relation] == NO_INPUT)
			return false;
		if (level->levels[relation] != NULL && !has_inputs_for_all(level->levels[relation]))
			return false;
	}
	return true;
}

/* Is there a constant that the analysis has made of a text which means something else at another time ('now')? */
static bool
has_passing_constant(Node *node, void *context)
{
	const Const *constant = (const Const *) node;
	Oid element;
	Oid input;
	Oid parameter;

	if (node == NULL)
		return false;
	if (!IsA(node, Const) || constant->constisnull)
		return expression_tree_walker(node, has_passing_constant, context);
	element = get_base_element_type(constant->consttype);
	getTypeInputInfo(OidIsValid(element) ? element : constant->consttype, &input, &parameter);
	return func_volatile(input) != PROVOLATILE_IMMUTABLE;
}

static bool
expression_is_shareable(Node *expression)
{
	return expression_is_plain(expression) && !has_passing_constant(expression, NULL);
}

/*
 * Returns whether a query means the same wherever its relations have the same names and columns.  Its expressions are
 * not prepared yet: that puts the bodies of functions in the place of their calls.
 */
static bool
is_shareable(const LookupCompilation *work, const LookupLevel *level)
{
	ListCell *cell;

	foreach (cell, work->conditions)
	{
		if (!expression_is_shareable(((LevelCondition *) lfirst(cell))->condition))
			return false;
	}
	return expression_is_shareable((Node *) work->plan->target) && has_inputs_for_all(level);
}

static bool
add_called(Oid function, void *functions)
{
	*(List **) functions = list_append_unique_oid(*(List **) functions, function);
	return false;
}

static bool
collect_calls(Node *node, void *functions)
{
	if (node == NULL)
		return false;
	check_functions_in_node(node, add_called, functions);
	return expression_tree_walker(node, collect_calls, functions);
}

/* Returns the functions of a query that is shareable, before its expressions are prepared. */
static List *
functions_of(const LookupCompilation *work)
{
	List *functions = NIL;
	ListCell *cell;

	foreach (cell, work->conditions)
		collect_calls(((LevelCondition *) lfirst(cell))->condition, &functions);
	collect_calls((Node *) work->plan->target, &functions);
	return functions;
}

/* Makes a plan of its inputs, their conditions, the joined row and the select list.  Returns whether it fits. */
static bool
finish_plan(LookupPlan *plan)
{
	plan->result = ExecTypeFromTL(plan->target);
	lookup_json_compile(plan);
	if (!lookup_index_find_all(plan))
		return false;
	plan->plain = lookup_is_plain(plan);
	remove_useless_inputs(plan);
	set_row(plan);
	return true;
}

/*
 * Fills the plan.  Returns whether the query fits.  Reads the query before it evaluates functions of the application,
 * because these may have the query analyzed again.
 */
static bool
compile(LookupCompilation *work, const char *text, Query *query)
{
	LookupPlan *plan = work->plan;
	LookupLevel *level = lookup_flatten(work, query);
	bool shareable;
	List *functions;

	if (level == NULL)
		return false;
	translate_conditions(work);
	translate_target(work, level);
	if (!work->fits || !keeps_order(work, level))
		return false;
	shareable = lookup_share_exists() && is_shareable(work, level);
	functions = shareable ? functions_of(work) : NIL;
	place_conditions(work);
	prepare_values(plan);
	if (plan->offered_count == 2 && !work->paired)
		return false;
	if (shareable)
		lookup_share_put(text, plan, functions);
	return finish_plan(plan);
}

/* Returns an empty plan in a memory context of its own, which becomes the current one. */
static LookupPlan *
begin_plan(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald lookups", ALLOCSET_SMALL_SIZES);
	LookupPlan *plan;

	MemoryContextSwitchTo(context);
	plan = palloc0(sizeof(LookupPlan));
	plan->context = context;
	return plan;
}

LookupPlan *
lookup_compile(const char *text, Query *query, QueryEnvironment *offered)
{
	MemoryContext caller = CurrentMemoryContext;
	LookupPlan *plan = begin_plan();
	LookupCompilation work = { .plan = plan, .offered = offered, .fits = true, .translating = NO_INPUT };

	privilege_check(list_make1(query));
	plan->fits = compile(&work, text, query);
	MemoryContextSwitchTo(caller);
	return plan;
}

LookupPlan *
lookup_compile_shared(const char *text, QueryEnvironment *offered)
{
	MemoryContext caller = CurrentMemoryContext;
	LookupPlan *plan = begin_plan();
	uint64 changes = catalog_share_count(); /* before anything is looked up */

	plan->fits = lookup_share_get(text, offered, changes, plan) && finish_plan(plan);
	MemoryContextSwitchTo(caller);
	if (plan->fits && plan->plain)
	{
		if (!plan->checked)
			lookup_share_checked(text, changes, plan);
		return plan;
	}
	MemoryContextDelete(plan->context);
	return NULL;
}

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

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "lookup_compile.h"
#include "lookup_index.h"
#include "lookup_json.h"
#include "lookup_translate.h"
#include "privilege.h"

/* Conditions for AND of one level: of WHERE and of INNER JOIN, or those of a LEFT JOIN with an input. */
typedef struct LevelCondition
{
	LookupLevel *level;
	Node *condition;
	int left_input; /* NO_INPUT: none */
} LevelCondition;

static bool flatten(LookupCompilation *work, LookupLevel *level, Node *item);

static LookupLevel *
make_level(Query *query, LookupLevel *outer)
{
	LookupLevel *level = palloc0(sizeof(LookupLevel));
	int relations = list_length(query->rtable);

	level->query = query;
	level->outer = outer;
	level->inputs = palloc(sizeof(int) * (relations + 1));
	level->levels = palloc0(sizeof(LookupLevel *) * (relations + 1));
	for (int i = 0; i <= relations; i++)
		level->inputs[i] = NO_INPUT;
	return level;
}

/* Returns whether a query does nothing but join, filter and compute. */
static bool
is_plain_query(const Query *query)
{
	return query->commandType == CMD_SELECT && query->utilityStmt == NULL && !query->hasAggs && !query->hasTargetSRFs &&
		   !query->hasSubLinks && !query->hasModifyingCTE && !query->hasForUpdate && query->cteList == NIL &&
		   query->groupClause == NIL && query->groupingSets == NIL && query->havingQual == NULL &&
		   query->distinctClause == NIL && query->limitOffset == NULL && query->limitCount == NULL &&
		   query->rowMarks == NIL && query->setOperations == NULL;
}

static void
add_level_condition(LookupCompilation *work, LookupLevel *level, Node *condition, int left_input)
{
	LevelCondition *added;

	if (condition == NULL)
		return;
	added = palloc(sizeof(LevelCondition));
	*added = (LevelCondition){ level, condition, left_input };
	work->conditions = lappend(work->conditions, added);
}

static LookupInput *
add_input(LookupCompilation *work, LookupLevel *level, int relation)
{
	LookupPlan *plan = work->plan;
	Size size = sizeof(LookupInput) * (plan->input_count + 1);
	LookupInput *input;

	plan->inputs = plan->inputs == NULL ? palloc(size) : repalloc(plan->inputs, size);
	level->inputs[relation] = plan->input_count;
	input = &plan->inputs[plan->input_count++];
	memset(input, 0, sizeof(LookupInput));
	return input;
}

/* Adds an offered relation: one stands before all tables, or two. */
static bool
add_offered(LookupCompilation *work, LookupLevel *level, int relation, const RangeTblEntry *rte)
{
	LookupPlan *plan = work->plan;
	EphemeralNamedRelation offered = get_ENR(work->offered, rte->enrname);
	LookupInput *input;

	if (offered == NULL || plan->offered_count != plan->input_count || plan->offered_count == 2)
		return false;
	input = add_input(work, level, relation);
	input->offered = pstrdup(rte->enrname);
	input->shape = CreateTupleDescCopyConstr(ENRMetadataGetTupDesc(&offered->md));
	input->used = true;
	plan->offered_count++;
	return input->shape->natts == list_length(rte->coltypes);
}

/* Returns whether all rows of a table are in it, and all columns in its rows. */
static bool
is_plain_table(const RangeTblEntry *rte, Relation table)
{
	return rte->relkind == RELKIND_RELATION && table->rd_rel->relkind == RELKIND_RELATION &&
		   !table->rd_rel->relhassubclass && rte->securityQuals == NIL && rte->tablesample == NULL &&
		   !has_virtual_columns(RelationGetDescr(table));
}

static bool
add_table(LookupCompilation *work, LookupLevel *level, int relation, const RangeTblEntry *rte, bool left)
{
	Relation table = table_open(rte->relid, NoLock); /* the query's tables are locked */
	bool fits = work->plan->offered_count > 0 && is_plain_table(rte, table);
	LookupInput *input;

	if (fits)
	{
		input = add_input(work, level, relation);
		input->table = rte->relid;
		/* A row may be older than a column of the table: the constraints have its value. */
		input->shape = CreateTupleDescCopyConstr(RelationGetDescr(table));
		input->left = left;
	}
	table_close(table, NoLock);
	return fits;
}

/* Returns whether the window functions of a query are all row_number() OVER (), over an offered relation alone. */
static bool
numbers_rows(const Query *query)
{
	Node *only = list_length(query->jointree->fromlist) == 1 ? linitial(query->jointree->fromlist) : NULL;
	const WindowClause *window = list_length(query->windowClause) == 1 ? linitial(query->windowClause) : NULL;

	return only != NULL && IsA(only, RangeTblRef) && query->jointree->quals == NULL && query->sortClause == NIL &&
		   rt_fetch(((RangeTblRef *) only)->rtindex, query->rtable)->rtekind == RTE_NAMEDTUPLESTORE && window != NULL &&
		   window->partitionClause == NIL && window->orderClause == NIL;
}

/* Pulls up a subquery.  Its columns may be evaluated several times, or never. */
static bool
add_subquery(LookupCompilation *work, LookupLevel *level, int relation, const RangeTblEntry *rte)
{
	Query *query = rte->subquery;

	if (rte->security_barrier || !is_plain_query(query) || (query->hasWindowFuncs && !numbers_rows(query)) ||
		contain_volatile_functions((Node *) query->targetList) || query->sortClause != NIL)
		return false;
	level->levels[relation] = make_level(query, level);
	return flatten(work, level->levels[relation], (Node *) query->jointree);
}

static bool
flatten_relation(LookupCompilation *work, LookupLevel *level, int relation, bool left)
{
	RangeTblEntry *rte = rt_fetch(relation, level->query->rtable);

	if (rte->rtekind == RTE_RELATION)
		return add_table(work, level, relation, rte, left);
	if (left)
		return false;
	if (rte->rtekind == RTE_NAMEDTUPLESTORE)
		return add_offered(work, level, relation, rte);
	return rte->rtekind == RTE_SUBQUERY && add_subquery(work, level, relation, rte);
}

static bool
flatten_join(LookupCompilation *work, LookupLevel *level, JoinExpr *join)
{
	bool left = join->jointype == JOIN_LEFT;

	if ((!left && join->jointype != JOIN_INNER) || !flatten(work, level, join->larg))
		return false;
	if (!left)
	{
		add_level_condition(work, level, join->quals, NO_INPUT);
		return flatten(work, level, join->rarg);
	}
	if (!IsA(join->rarg, RangeTblRef) ||
		!flatten_relation(work, level, ((RangeTblRef *) join->rarg)->rtindex, true))
		return false;
	add_level_condition(work, level, join->quals, work->plan->input_count - 1);
	return true;
}

/* Adds the relations of an item of FROM to the inputs, in the order in which they are joined. */
static bool
flatten(LookupCompilation *work, LookupLevel *level, Node *item)
{
	FromExpr *from = (FromExpr *) item;
	ListCell *cell;

	if (IsA(item, RangeTblRef))
		return flatten_relation(work, level, ((RangeTblRef *) item)->rtindex, false);
	if (IsA(item, JoinExpr))
		return flatten_join(work, level, (JoinExpr *) item);
	Assert(IsA(item, FromExpr));
	foreach (cell, from->fromlist)
	{
		if (!flatten(work, level, lfirst(cell)))
			return false;
	}
	add_level_condition(work, level, from->quals, NO_INPUT);
	return true;
}

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
	plan->result = ExecTypeFromTL(plan->target);
	lookup_json_compile(plan);
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

/*
 * Fills the plan.  Returns whether the query fits.  Reads the query before it evaluates functions of the application,
 * because these may have the query analyzed again.
 */
static bool
compile(LookupCompilation *work, Query *query)
{
	LookupPlan *plan = work->plan;
	LookupLevel *level = make_level(query, NULL);

	if (!is_plain_query(query) || query->hasWindowFuncs || !flatten(work, level, (Node *) query->jointree) ||
		plan->offered_count == 0)
		return false;
	translate_conditions(work);
	translate_target(work, level);
	if (!work->fits || !keeps_order(work, level))
		return false;
	place_conditions(work);
	prepare_values(plan);
	if ((plan->offered_count == 2 && !work->paired) || !lookup_index_find_all(plan))
		return false;
	plan->plain = lookup_is_plain(plan);
	remove_useless_inputs(plan);
	set_row(plan);
	return true;
}

LookupPlan *
lookup_compile(Query *query, QueryEnvironment *offered)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_herald lookups", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	LookupPlan *plan = palloc0(sizeof(LookupPlan));
	LookupCompilation work = { .plan = plan, .offered = offered, .fits = true, .translating = NO_INPUT };

	plan->context = context;
	privilege_check(list_make1(query));
	plan->fits = compile(&work, query);
	MemoryContextSwitchTo(caller);
	return plan;
}

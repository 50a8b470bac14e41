/*-------------------------------------------------------------------------
 *
 * lookup_flatten.c
 *	  Makes the inputs of a lookup plan from the relations of a query.
 *
 * Pulls up those subqueries that the planner would pull up, too.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/rel.h"

#include "compat.h"
#include "lookup_flatten.h"

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

LookupLevel *
lookup_flatten(LookupCompilation *work, Query *query)
{
	LookupLevel *level = make_level(query, NULL);

	if (!is_plain_query(query) || query->hasWindowFuncs || !flatten(work, level, (Node *) query->jointree) ||
		work->plan->offered_count == 0)
		return NULL;
	return level;
}

/*-------------------------------------------------------------------------
 *
 * open_statement.c
 *	  Tracks the statements whose AFTER triggers run.
 *
 * 1. The executor runs the AFTER triggers of a statement in ExecutorFinish(), COPY in
 *	  the utility command.  A trigger may run further statements, so that the open ones
 *	  are a stack.  Hooks push and pop: that costs a statement some instructions.  A
 *	  nested statement marks those outer ones that have written to one of its tables.
 *
 * 2. After an error the end of its subtransaction, or of the transaction, pops.
 *
 * 3. A server that does not preload the library may load it in a trigger.  Statements
 *	  that were open by then have no entries.  One "unknown" entry stands for them until
 *	  the nesting of triggers says that all of them have ended.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "open_statement.h"

/* The entries are made once, and serve one statement after another. */
static OpenStatement **open_stack;
static int open_capacity;
static int open_count;

static ExecutorFinish_hook_type finish_before;
static ProcessUtility_hook_type utility_before;

static OpenStatement *
push_statement(void)
{
	OpenStatement *statement;

	if (open_count == open_capacity)
	{
		int wanted = open_capacity == 0 ? 8 : 2 * open_capacity;
		Size size = sizeof(OpenStatement *) * wanted;

		open_stack = open_stack == NULL ? MemoryContextAlloc(TopMemoryContext, size) : repalloc(open_stack, size);
		while (open_capacity < wanted)
			open_stack[open_capacity++] = MemoryContextAllocZero(TopMemoryContext, sizeof(OpenStatement));
	}
	statement = open_stack[open_count++];
	statement->query = NULL;
	statement->copied = InvalidOid;
	statement->unknown = false;
	statement->nested = false;
	statement->changed = false;
	statement->told = 0;
	statement->subtransaction = GetCurrentSubTransactionId();
	return statement;
}

/* Returns whether a statement has written to a table, or may have. */
static bool
writes_to(const OpenStatement *statement, Oid relation)
{
	ListCell *cell;

	if (statement->query == NULL)
		return statement->unknown || statement->copied == relation;
	foreach (cell, statement->query->estate->es_opened_result_relations)
	{
		if (RelationGetRelid(((ResultRelInfo *) lfirst(cell))->ri_RelationDesc) == relation)
			return true;
	}
	return false;
}

static void
note_nested(Oid relation)
{
	for (int i = 0; i < open_count - 1; i++)
	{
		OpenStatement *outer = open_stack[i];

		outer->nested = outer->nested || writes_to(outer, relation);
	}
}

/* Notes at the outer statements that the newest one has written to the same table. */
static void
note_newest(const OpenStatement *statement)
{
	ListCell *cell;

	if (open_count == 1)
		return;
	if (statement->query == NULL)
	{
		note_nested(statement->copied);
		return;
	}
	foreach (cell, statement->query->estate->es_opened_result_relations)
		note_nested(RelationGetRelid(((ResultRelInfo *) lfirst(cell))->ri_RelationDesc));
}

/* The ExecutorFinish hook. */
static void
finish_query(QueryDesc *query)
{
	bool writes = query->operation != CMD_SELECT || query->plannedstmt->hasModifyingCTE;
	int before = open_count;

	if (writes)
	{
		OpenStatement *statement = push_statement();

		statement->query = query;
		statement->begin = query->estate->es_output_cid;
		statement->end = statement->begin + 1;
		note_newest(statement);
	}
	if (finish_before)
		finish_before(query);
	else
		standard_ExecutorFinish(query);
	if (writes)
		open_count = Min(before, open_count);
}

/* The ProcessUtility hook. */
static void
run_copy(PlannedStmt *planned, const char *text, bool read_only_tree, ProcessUtilityContext context,
		 ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	const CopyStmt *copy = IsA(planned->utilityStmt, CopyStmt) ? (CopyStmt *) planned->utilityStmt : NULL;
	bool writes = copy != NULL && copy->is_from && copy->relation != NULL;
	int before = open_count;

	if (writes)
	{
		OpenStatement *statement = push_statement();

		statement->copied = RangeVarGetRelid(copy->relation, NoLock, true);
		statement->begin = GetCurrentCommandId(false);
		statement->end = statement->begin + 1;
		note_newest(statement);
	}
	if (utility_before)
		utility_before(planned, text, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(planned, text, read_only_tree, context, params, environment, dest, completion);
	if (writes)
		open_count = Min(before, open_count);
}

static void
forget_at_end(XactEvent event, void *arg)
{
	open_count = 0;
}

static void
forget_aborted(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (open_count > 0 && open_stack[open_count - 1]->subtransaction >= mine)
		open_count--;
}

static int
trigger_depth(void)
{
	LOCAL_FCINFO(call, 0);

	InitFunctionCallInfoData(*call, NULL, 0, InvalidOid, NULL, NULL);
	return DatumGetInt32(pg_trigger_depth(call));
}

/* Pushes the entry of the statements around the trigger that loads the library. */
static void
push_unknown(void)
{
	OpenStatement *statement = push_statement();

	statement->unknown = true;
	statement->nested = true;
	statement->begin = FirstCommandId;
	statement->end = ActiveSnapshotSet() ? GetActiveSnapshot()->curcid : GetCurrentCommandId(false);
	statement->subtransaction = TopSubTransactionId;
}

void
open_statement_init(void)
{
	Assert(open_count == 0);
	finish_before = ExecutorFinish_hook;
	ExecutorFinish_hook = finish_query;
	utility_before = ProcessUtility_hook;
	ProcessUtility_hook = run_copy;
	RegisterXactCallback(forget_at_end, NULL);
	RegisterSubXactCallback(forget_aborted, NULL);
	if (IsTransactionState() && trigger_depth() > 0)
		push_unknown();
}

/* Each trigger that runs belongs to an open statement.  If those with entries account for all, no other is open. */
int
open_statement_count(void)
{
	if (open_count > 0 && open_stack[0]->unknown && trigger_depth() < open_count)
	{
		open_stack[0]->unknown = false;
		open_stack[0]->nested = false;
	}
	return open_count;
}

OpenStatement *
open_statement_get(int place)
{
	Assert(place >= 0 && place < open_count);
	return open_stack[place];
}

void
open_statement_tell(OpenStatement *statement, Oid relation, int operation)
{
	if (statement->told < OPEN_STATEMENT_TOLD)
	{
		statement->by[statement->told].relation = relation;
		statement->by[statement->told].operation = operation;
	}
	statement->told++;
}

bool
open_statement_has_told(const OpenStatement *statement, Oid relation, int operation)
{
	for (int i = 0; i < Min(statement->told, OPEN_STATEMENT_TOLD); i++)
	{
		if (statement->by[i].relation == relation && statement->by[i].operation == operation)
			return true;
	}
	return statement->told > OPEN_STATEMENT_TOLD;
}

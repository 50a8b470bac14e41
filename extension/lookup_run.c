/*-------------------------------------------------------------------------
 *
 * lookup_run.c
 *	  Runs the plan of a query that look-ups by index answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "lookup_json.h"
#include "lookup_run.h"

/* A relation that is being read. */
typedef struct OpenInput
{
	EphemeralNamedRelation offered;
	int pointer; /* into the tuplestore of the offered relation */
	Relation table;
	Relation index;
	IndexScanDesc scan;
	ScanKeyData *keys;
} OpenInput;

typedef struct LookupRun
{
	LookupPlan *plan;
	OpenInput *inputs;
	Tuplestorestate *store;
} LookupRun;

static void find_rows(LookupRun *run, int number);

static ExprState *
init_condition(List *parts)
{
	return parts == NIL ? NULL : ExecInitQual(parts, NULL);
}

static void
init_input(LookupInput *input)
{
	if (input->offered != NULL)
		input->slot = MakeSingleTupleTableSlot(input->shape, &TTSOpsMinimalTuple);
	input->key_states = palloc(sizeof(ExprState *) * (input->key_count + 1));
	for (int i = 0; i < input->key_count; i++)
		input->key_states[i] = ExecInitExpr(list_nth(input->keys, i), NULL);
	input->condition_state = init_condition(input->condition);
	input->filter_state = init_condition(input->filter);
	input->key_memory = AllocSetContextCreate(CurrentMemoryContext, "pg_herald lookup keys", ALLOCSET_SMALL_SIZES);
}

void
lookup_run_init(LookupPlan *plan)
{
	MemoryContext caller = MemoryContextSwitchTo(plan->context);
	TupleTableSlot *result;

	plan->expressions = CreateStandaloneExprContext();
	plan->row_slot = MakeSingleTupleTableSlot(plan->row, &TTSOpsVirtual);
	plan->expressions->ecxt_scantuple = plan->row_slot;
	for (int i = 0; i < plan->input_count; i++)
		init_input(&plan->inputs[i]);
	result = MakeSingleTupleTableSlot(ExecTypeFromTL(plan->target), &TTSOpsVirtual);
	plan->projection = ExecBuildProjectionInfo(plan->target, plan->expressions, result, NULL, plan->row);
	MemoryContextSwitchTo(caller);
}

/* Sets the columns of an input in the joined row, from its slot or, without a row, to null. */
static void
fill_columns(LookupPlan *plan, const LookupInput *input, bool found)
{
	TupleTableSlot *row = plan->row_slot;
	TupleTableSlot *from = input->slot;

	if (found)
		slot_getsomeattrs(from, input->last_column);
	for (int i = 0; i < input->column_count; i++)
	{
		LookupColumn column = input->columns[i];

		row->tts_isnull[column.to - 1] = !found || from->tts_isnull[column.from - 1];
		row->tts_values[column.to - 1] = found ? from->tts_values[column.from - 1] : (Datum) 0;
	}
}

/* Returns a slot that lives as long as the plan. */
static TupleTableSlot *
make_slot(LookupPlan *plan, TupleDesc shape, const TupleTableSlotOps *kind)
{
	MemoryContext caller = MemoryContextSwitchTo(plan->context);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(shape, kind);

	MemoryContextSwitchTo(caller);
	return slot;
}

static bool
holds(LookupPlan *plan, ExprState *condition)
{
	if (condition == NULL)
		return true;
	ResetExprContext(plan->expressions);
	return ExecQual(condition, plan->expressions);
}

static void
open_table(LookupPlan *plan, LookupInput *input, OpenInput *open)
{
	open->table = table_open(input->table, NoLock); /* the query's tables are locked */
	if (input->slot == NULL)
		input->slot = make_slot(plan, input->shape, table_slot_callbacks(open->table));
	open->index = index_open(input->index, AccessShareLock);
	open->scan = begin_index_scan(open->table, open->index, GetActiveSnapshot(), input->key_count);
	open->keys = palloc(sizeof(ScanKeyData) * input->key_count);
	memcpy(open->keys, input->scan_keys, sizeof(ScanKeyData) * input->key_count);
}

/* Sets the keys of a scan.  Returns false if one is null: it equals nothing. */
static bool
set_keys(LookupRun *run, LookupInput *input, OpenInput *open)
{
	MemoryContext caller = MemoryContextSwitchTo(input->key_memory);
	bool isnull = false;

	MemoryContextReset(input->key_memory);
	for (int i = 0; i < input->key_count && !isnull; i++)
	{
		Datum value = ExecEvalExpr(input->key_states[i], run->plan->expressions, &isnull);

		if (!isnull && input->varlena_keys[i])
			value = PointerGetDatum(PG_DETOAST_DATUM(value));
		open->keys[i].sk_argument = value;
	}
	MemoryContextSwitchTo(caller);
	return !isnull;
}

/* Adds the result's row that follows from the joined row. */
static void
add_result(LookupRun *run)
{
	LookupPlan *plan = run->plan;
	MemoryContext caller = MemoryContextSwitchTo(plan->expressions->ecxt_per_tuple_memory);
	TupleTableSlot *result;

	ResetExprContext(plan->expressions);
	result = ExecProject(plan->projection);
	lookup_json_write(plan, result->tts_values, result->tts_isnull);
	MemoryContextSwitchTo(caller);
	tuplestore_putvalues(run->store, plan->result, result->tts_values, result->tts_isnull);
}

/* Goes on with the next input after one has set its columns. */
static void
go_on(LookupRun *run, int number)
{
	if (!holds(run->plan, run->plan->inputs[number].filter_state))
		return;
	do
		number++;
	while (number < run->plan->input_count && run->plan->inputs[number].skipped);
	if (number == run->plan->input_count)
		add_result(run);
	else
		find_rows(run, number);
}

/* Looks up the rows of a table that match the joined row so far. */
static void
find_rows(LookupRun *run, int number)
{
	LookupInput *input = &run->plan->inputs[number];
	OpenInput *open = &run->inputs[number];
	bool found = false;

	if (open->table == NULL)
		open_table(run->plan, input, open);
	if (set_keys(run, input, open))
	{
		index_rescan(open->scan, open->keys, input->key_count, NULL, 0);
		while (index_getnext_slot(open->scan, ForwardScanDirection, input->slot))
		{
			CHECK_FOR_INTERRUPTS();
			Assert(!open->scan->xs_recheck);
			fill_columns(run->plan, input, true);
			if (!holds(run->plan, input->condition_state))
				continue;
			found = true;
			go_on(run, number);
		}
	}
	if (found || !input->left)
		return;
	fill_columns(run->plan, input, false);
	go_on(run, number);
}

static bool
next_row(OpenInput *open, TupleTableSlot *slot)
{
	Tuplestorestate *rows = open->offered->reldata;

	/* A function of the application may have read the same rows in between. */
	tuplestore_select_read_pointer(rows, open->pointer);
	return tuplestore_gettupleslot(rows, true, false, slot);
}

/* Reads the next row of each offered relation into the joined row.  Returns false behind the last one. */
static bool
next_rows(LookupRun *run)
{
	for (int i = 0; i < run->plan->offered_count; i++)
	{
		if (!next_row(&run->inputs[i], run->plan->inputs[i].slot))
			return false;
		fill_columns(run->plan, &run->plan->inputs[i], true);
	}
	return true;
}

static void
open_offered(const LookupInput *input, OpenInput *open, QueryEnvironment *offered)
{
	open->offered = get_ENR(offered, input->offered);
	Assert(open->offered != NULL);
	open->pointer = tuplestore_alloc_read_pointer(open->offered->reldata, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(open->offered->reldata, open->pointer);
	tuplestore_rescan(open->offered->reldata);
}

static void
close_input(const LookupInput *input, OpenInput *open)
{
	if (input->slot != NULL)
		ExecClearTuple(input->slot);
	if (open->table == NULL)
		return;
	index_endscan(open->scan);
	index_close(open->index, NoLock);
	table_close(open->table, NoLock);
	pfree(open->keys);
}

void
lookup_run_plan(LookupPlan *plan, QueryEnvironment *offered, Tuplestorestate *store)
{
	LookupRun run = { plan, palloc0(sizeof(OpenInput) * plan->input_count), store };
	int64 number = 0;

	for (int i = 0; i < plan->offered_count; i++)
		open_offered(&plan->inputs[i], &run.inputs[i], offered);
	ExecStoreVirtualTuple(ExecClearTuple(plan->row_slot));
	while (next_rows(&run))
	{
		CHECK_FOR_INTERRUPTS();
		if (plan->row_number > 0)
		{
			plan->row_slot->tts_values[plan->row_number - 1] = Int64GetDatum(++number);
			plan->row_slot->tts_isnull[plan->row_number - 1] = false;
		}
		if (plan->offered_count < 2 || holds(plan, plan->inputs[0].filter_state))
			go_on(&run, plan->offered_count - 1);
	}
	for (int i = 0; i < plan->input_count; i++)
		close_input(&plan->inputs[i], &run.inputs[i]);
	pfree(run.inputs);
	ReScanExprContext(plan->expressions);
}

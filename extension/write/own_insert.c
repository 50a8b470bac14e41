/*-------------------------------------------------------------------------
 *
 * own_insert.c
 *	  Inserts rows into the extension's own tables without a query.
 *
 * An INSERT is parsed and planned in each session, and started for each statement of
 * the application.  Here, the parts of the executor that every INSERT consists of are
 * called one by one, as the worker of logical replication does.
 *
 * With an arbiter, the insertion is that of INSERT ... ON CONFLICT: it looks for a row with
 * the same values, waits for the transaction that is inserting one, and locks the row that
 * it finds.  A row that has gone meanwhile is no conflict.  PostgreSQL inserts speculatively,
 * and confirms or kills the row.  Here, insertions of the same values exclude each other by
 * a lock on these (row_values.c), which none holds while it waits for a transaction: two
 * that wait for each other's rows would never end.  So a row needs no second record of the
 * WAL.
 *
 * Rows without an arbiter are inserted in batches, as COPY does: a batch has one record of
 * the WAL for a page.  An index is opened when a row belongs into it (own_index.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "query.h"
#include "write/own_insert.h"

/* Prepares the target for no indexes; open_indexes() adds those that rows belong to. */
static void
prepare_target(OwnInsert *insert)
{
	ResultRelInfo *target = makeNode(ResultRelInfo);
	int indexes = insert->indexes->count;

	InitResultRelInfo(target, insert->relation, 0, NULL, 0);
	target->ri_IndexRelationDescs = palloc(sizeof(Relation) * Max(indexes, 1));
	target->ri_IndexRelationInfo = palloc(sizeof(IndexInfo *) * Max(indexes, 1));
	insert->target = target;
	insert->is_open = palloc0(sizeof(bool) * Max(indexes, 1));
}

/* Returns whether a function of the application may run for a row: of a trigger, a constraint, a value or an index. */
static bool
may_run_functions(const OwnInsert *insert)
{
	TriggerDesc *triggers = insert->target->ri_TrigDesc;
	TupleConstr *constraints = RelationGetDescr(insert->relation)->constr;

	if (triggers != NULL &&
		(triggers->trig_insert_before_statement || triggers->trig_insert_before_row ||
		 triggers->trig_insert_after_row || triggers->trig_insert_after_statement || triggers->trig_insert_new_table))
		return true;
	return !insert->indexes->plain ||
		   (constraints != NULL && (constraints->num_check > 0 || constraints->has_generated_stored));
}

OwnInsert
own_insert_begin(Oid table, Oid arbiter)
{
	OwnInsert insert = { 0 };

	PreventCommandIfReadOnly("INSERT");
	PreventCommandIfParallelMode("INSERT");
	insert.relation = table_open(table, RowExclusiveLock);
	insert.indexes = own_indexes(insert.relation);
	insert.estate = CreateExecutorState();
	insert.estate->es_output_cid = GetCurrentCommandId(true);
	prepare_target(&insert);
	if (may_run_functions(&insert))
		query_pin();
	insert.batch = palloc0(sizeof(TupleTableSlot *) * OWN_INSERT_BATCH);
	if (OidIsValid(arbiter))
	{
		insert.arbiters = list_make1_oid(arbiter);
		insert.existing = table_slot_create(insert.relation, &insert.estate->es_tupleTable);
	}
	if (insert.target->ri_TrigDesc != NULL)
	{
		AfterTriggerBeginQuery();
		ExecBSInsertTriggers(insert.estate, insert.target);
		insert.capture = MakeTransitionCaptureState(insert.target->ri_TrigDesc, table, CMD_INSERT);
	}
	return insert;
}

TupleTableSlot *
own_insert_next(OwnInsert *insert)
{
	TupleTableSlot **slot = &insert->batch[insert->filled];

	Assert(insert->filled < OWN_INSERT_BATCH);
	ResetPerTupleExprContext(insert->estate);
	if (*slot == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(insert->estate->es_query_cxt);

		*slot = table_slot_create(insert->relation, &insert->estate->es_tupleTable);
		MemoryContextSwitchTo(caller);
	}
	ExecClearTuple(*slot);
	memset((*slot)->tts_isnull, true, sizeof(bool) * (*slot)->tts_tupleDescriptor->natts);
	return *slot;
}

static void
open_index(OwnInsert *insert, int number)
{
	MemoryContext caller = MemoryContextSwitchTo(insert->estate->es_query_cxt);
	ResultRelInfo *target = insert->target;
	int place = target->ri_NumIndices;

	target->ri_IndexRelationDescs[place] =
		own_index_open(insert->indexes, number, &target->ri_IndexRelationInfo[place]);
	target->ri_NumIndices++;
	insert->is_open[number] = true;
	MemoryContextSwitchTo(caller);
}

/* Opens the indexes that the row belongs to and no row before it. */
static void
open_indexes(OwnInsert *insert, TupleTableSlot *row)
{
	ExprContext *context = GetPerTupleExprContext(insert->estate);

	context->ecxt_scantuple = row;
	for (int i = 0; i < insert->indexes->count; i++)
	{
		if (!insert->is_open[i] && ExecQual(insert->indexes->list[i].predicate, context))
			open_index(insert, i);
	}
}

/* Runs the triggers before the row, and checks the row.  Returns false if a trigger prevents it. */
static bool
prepare_row(OwnInsert *insert, TupleTableSlot *row)
{
	ResultRelInfo *target = insert->target;
	TupleConstr *constraints = RelationGetDescr(insert->relation)->constr;

	row->tts_tableOid = RelationGetRelid(insert->relation);
	if (target->ri_TrigDesc != NULL && target->ri_TrigDesc->trig_insert_before_row)
	{
		if (!ExecBRInsertTriggers(insert->estate, target, row))
			return false;
		if (insert->relation->rd_rel->relispartition)
			ExecPartitionCheck(target, row, insert->estate, true);
	}
	if (constraints != NULL && constraints->has_generated_stored)
		ExecComputeStoredGenerated(target, insert->estate, row, CMD_INSERT);
	if (constraints != NULL)
		ExecConstraints(target, row, insert->estate);
	return true;
}

/* Raises the error of a concurrent change, unless the transaction takes a new snapshot for each command. */
static void
check_isolation(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent update")));
}

/* Locks the existing row and fetches it.  Returns false if it has changed or gone meanwhile. */
static bool
lock_existing(OwnInsert *insert, ItemPointer place)
{
	TM_FailureData failure;
	CommandId command = insert->estate->es_output_cid;
	TM_Result result = table_tuple_lock(insert->relation, place, GetActiveSnapshot(), insert->existing, command,
										LockTupleNoKeyExclusive, LockWaitBlock, 0, &failure);

	if (result == TM_Updated || result == TM_Deleted)
	{
		check_isolation();
		ExecClearTuple(insert->existing);
		return false;
	}
	if (result != TM_Ok)
		elog(ERROR, "a row of \"%s\" was inserted twice", RelationGetRelationName(insert->relation));
	if (!table_tuple_satisfies_snapshot(insert->relation, insert->existing, GetActiveSnapshot()))
		check_isolation();
	return true;
}

/* Returns the place of the arbiter, which is open, among the indexes of the target. */
static int
arbiter_place(const OwnInsert *insert)
{
	const ResultRelInfo *target = insert->target;
	int place = 0;

	while (RelationGetRelid(target->ri_IndexRelationDescs[place]) != linitial_oid(insert->arbiters))
	{
		place++;
		Assert(place < target->ri_NumIndices);
	}
	return place;
}

/* Begins with the values of rows in the arbiter. */
static void
begin_values(OwnInsert *insert)
{
	MemoryContext caller = MemoryContextSwitchTo(insert->estate->es_query_cxt);
	const ResultRelInfo *target = insert->target;
	int place = arbiter_place(insert);

	insert->values = row_values_begin(insert->relation, target->ri_IndexRelationDescs[place],
									  target->ri_IndexRelationInfo[place]);
	MemoryContextSwitchTo(caller);
}

/*
 * Inserts the row, whose values are locked, if the arbiter has none like it.  Returns whether it did.  An INSERT that
 * has not locked them may come in between: then the row is deleted again.
 */
static bool
insert_new(OwnInsert *insert, TupleTableSlot *row, List **recheck)
{
	Relation table = insert->relation;
	bool conflict = false;
	TM_FailureData failure;
	CommandId command;

	if (row_values_exist(insert->values, insert->existing))
		return false;
	table_tuple_insert(table, row, insert->estate->es_output_cid, 0, NULL);
	*recheck = insert_index_tuples(insert->target, row, insert->estate, true, &conflict, insert->arbiters);
	if (!conflict)
		return true;
	CommandCounterIncrement(); /* a command cannot delete its own rows */
	command = GetCurrentCommandId(true);
	if (table_tuple_delete(table, &row->tts_tid, command, GetActiveSnapshot(), NULL, false, &failure, false) != TM_Ok)
		elog(ERROR, "could not delete a row of \"%s\"", RelationGetRelationName(table));
	return false;
}

/* Finds and locks the existing row.  Returns false if there is none any more. */
static bool
find_existing(OwnInsert *insert, TupleTableSlot *row)
{
	int place = arbiter_place(insert);
	IndexInfo *info = insert->target->ri_IndexRelationInfo[place];
	ItemPointerData found;

	if (info->ii_UniqueProcs == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(insert->estate->es_query_cxt);

		BuildSpeculativeIndexInfo(insert->target->ri_IndexRelationDescs[place], info);
		MemoryContextSwitchTo(caller);
	}
	return !check_index_constraints(insert->target, row, insert->estate, &found, insert->arbiters) &&
		   lock_existing(insert, &found);
}

/* Inserts the row, or finds and locks the existing one. */
static bool
insert_or_find(OwnInsert *insert, TupleTableSlot *row, List **recheck)
{
	if (insert->values == NULL)
		begin_values(insert);
	row_values_set(insert->values, row, insert->estate);
	for (;;)
	{
		bool inserted;

		CHECK_FOR_INTERRUPTS();
		row_values_lock(insert->values);
		inserted = insert_new(insert, row, recheck);
		row_values_unlock(insert->values);
		if (inserted)
			return true;
		if (find_existing(insert, row))
			return false;
	}
}

static void
finish_row(OwnInsert *insert, TupleTableSlot *row, List *recheck)
{
	ExecARInsertTriggers(insert->estate, insert->target, row, recheck, insert->capture);
	list_free(recheck);
}

/* Inserts the rows of the batch.  A single row has a shorter record of the WAL by itself. */
static void
insert_batch(OwnInsert *insert)
{
	CommandId command = insert->estate->es_output_cid;

	if (insert->filled == 0)
		return;
	if (insert->filled == 1)
		table_tuple_insert(insert->relation, insert->batch[0], command, 0, NULL);
	else
		table_multi_insert(insert->relation, insert->batch, insert->filled, command, 0, NULL);
	for (int i = 0; i < insert->filled; i++)
	{
		TupleTableSlot *row = insert->batch[i];

		finish_row(insert, row, insert_index_tuples(insert->target, row, insert->estate, false, NULL, NIL));
	}
	insert->filled = 0;
	insert->bytes = 0;
}

/* Adds the row to the batch.  A trigger before a row may read the table, so that no row may wait for others. */
static void
add_to_batch(OwnInsert *insert, TupleTableSlot *row)
{
	bool has_trigger = insert->target->ri_TrigDesc != NULL && insert->target->ri_TrigDesc->trig_insert_before_row;
	bool should_free;

	open_indexes(insert, row); /* before the row is formed: its columns need no fetching */
	ExecMaterializeSlot(row);
	insert->bytes += ExecFetchSlotHeapTuple(row, true, &should_free)->t_len;
	insert->filled++;
	if (has_trigger || insert->filled == OWN_INSERT_BATCH || insert->bytes >= OWN_INSERT_BATCH_BYTES)
		insert_batch(insert);
}

bool
own_insert_row(OwnInsert *insert)
{
	TupleTableSlot *row = insert->batch[insert->filled];
	List *recheck = NIL;

	ExecStoreVirtualTuple(row);
	if (insert->existing != NULL)
		ExecClearTuple(insert->existing);
	if (!prepare_row(insert, row))
		return false;
	if (insert->arbiters == NIL)
	{
		add_to_batch(insert, row);
		return true;
	}
	open_indexes(insert, row);
	if (!insert_or_find(insert, row, &recheck))
		return false;
	finish_row(insert, row, recheck);
	return true;
}

void
own_insert_end(OwnInsert *insert)
{
	insert_batch(insert);
	if (insert->values != NULL)
		row_values_end(insert->values);
	if (insert->target->ri_TrigDesc != NULL)
	{
		ExecASInsertTriggers(insert->estate, insert->target, insert->capture);
		AfterTriggerEndQuery(insert->estate);
	}
	ExecResetTupleTable(insert->estate->es_tupleTable, false);
	ExecCloseResultRelations(insert->estate);
	ExecCloseIndices(insert->target);
	FreeExecutorState(insert->estate);
	table_close(insert->relation, NoLock);
	CommandCounterIncrement();
}

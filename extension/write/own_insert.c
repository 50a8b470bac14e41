/*-------------------------------------------------------------------------
 *
 * own_insert.c
 *	  Inserts rows into the extension's own tables without a query.
 *
 * An INSERT is parsed and planned in each session, and started for each statement of
 * the application.  Here, the parts of the executor that every INSERT consists of are
 * called one by one, as the worker of logical replication does.
 *
 * With an arbiter, the insertion is that of INSERT ... ON CONFLICT, in the same steps
 * (README.speculative-insertion of PostgreSQL's nbtree is the model): it looks for a
 * row with the same values, waits for the transaction that is inserting one, and
 * locks the row that it finds.  A row that has gone meanwhile is no conflict.
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
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
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

	target->ri_IndexRelationDescs[place] = own_index_open(insert->indexes, number,
														  &target->ri_IndexRelationInfo[place]);
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

/* Inserts the row unless another transaction inserts the same one at the same time.  Returns whether it did. */
static bool
insert_speculatively(OwnInsert *insert, TupleTableSlot *row, List **recheck)
{
	TransactionId xid = GetCurrentTransactionId();
	uint32 token = SpeculativeInsertionLockAcquire(xid);
	bool conflict = false;

	table_tuple_insert_speculative(insert->relation, row, insert->estate->es_output_cid, 0, NULL, token);
	*recheck = insert_index_tuples(insert->target, row, insert->estate, true, &conflict, insert->arbiters);
	table_tuple_complete_speculative(insert->relation, row, token, !conflict);
	SpeculativeInsertionLockRelease(xid);
	return !conflict;
}

/*
 * Inserts the row, or finds and locks the existing one.  Behind several new rows in a row another new one is likely,
 * also in a later statement: it is then inserted without a search.  If that was wrong, the insertion is undone, which
 * leaves a dead row.
 */
static bool
insert_or_find(OwnInsert *insert, TupleTableSlot *row, List **recheck)
{
	bool expects_new = insert->indexes->new_rows >= OWN_INSERT_EXPECTS_NEW;
	ItemPointerData place;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (expects_new || check_index_constraints(insert->target, row, insert->estate, &place, insert->arbiters))
		{
			if (insert_speculatively(insert, row, recheck))
			{
				insert->indexes->new_rows++;
				return true;
			}
			expects_new = false;
		}
		else if (lock_existing(insert, &place))
		{
			insert->indexes->new_rows = 0;
			return false;
		}
	}
}

static void
finish_row(OwnInsert *insert, TupleTableSlot *row, List *recheck)
{
	ExecARInsertTriggers(insert->estate, insert->target, row, recheck, insert->capture);
	list_free(recheck);
}

/* Inserts the rows of the batch. */
static void
insert_batch(OwnInsert *insert)
{
	if (insert->filled == 0)
		return;
	table_multi_insert(insert->relation, insert->batch, insert->filled, insert->estate->es_output_cid, 0, NULL);
	for (int i = 0; i < insert->filled; i++)
	{
		TupleTableSlot *row = insert->batch[i];

		open_indexes(insert, row);
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

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
#include "write/own_insert.h"

OwnInsert
own_insert_begin(Oid table, Oid arbiter)
{
	OwnInsert insert = { 0 };

	PreventCommandIfReadOnly("INSERT");
	PreventCommandIfParallelMode("INSERT");
	insert.relation = table_open(table, RowExclusiveLock);
	insert.estate = CreateExecutorState();
	insert.estate->es_output_cid = GetCurrentCommandId(true);
	insert.target = makeNode(ResultRelInfo);
	InitResultRelInfo(insert.target, insert.relation, 0, NULL, 0);
	ExecOpenIndices(insert.target, OidIsValid(arbiter));
	insert.slot = table_slot_create(insert.relation, &insert.estate->es_tupleTable);
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
	ResetPerTupleExprContext(insert->estate);
	ExecClearTuple(insert->slot);
	memset(insert->slot->tts_isnull, true, sizeof(bool) * insert->slot->tts_tupleDescriptor->natts);
	return insert->slot;
}

/* Runs the triggers before the row, and checks the row.  Returns false if a trigger prevents it. */
static bool
prepare_row(OwnInsert *insert)
{
	ResultRelInfo *target = insert->target;
	TupleConstr *constraints = RelationGetDescr(insert->relation)->constr;

	insert->slot->tts_tableOid = RelationGetRelid(insert->relation);
	if (target->ri_TrigDesc != NULL && target->ri_TrigDesc->trig_insert_before_row)
	{
		if (!ExecBRInsertTriggers(insert->estate, target, insert->slot))
			return false;
		if (insert->relation->rd_rel->relispartition)
			ExecPartitionCheck(target, insert->slot, insert->estate, true);
	}
	if (constraints != NULL && constraints->has_generated_stored)
		ExecComputeStoredGenerated(target, insert->estate, insert->slot, CMD_INSERT);
	if (constraints != NULL)
		ExecConstraints(target, insert->slot, insert->estate);
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
insert_speculatively(OwnInsert *insert, List **recheck)
{
	TransactionId xid = GetCurrentTransactionId();
	uint32 token = SpeculativeInsertionLockAcquire(xid);
	bool conflict = false;

	table_tuple_insert_speculative(insert->relation, insert->slot, insert->estate->es_output_cid, 0, NULL, token);
	*recheck = insert_index_tuples(insert->target, insert->slot, insert->estate, true, &conflict, insert->arbiters);
	table_tuple_complete_speculative(insert->relation, insert->slot, token, !conflict);
	SpeculativeInsertionLockRelease(xid);
	return !conflict;
}

/* Inserts the row, or finds and locks the existing one. */
static bool
insert_or_find(OwnInsert *insert, List **recheck)
{
	ItemPointerData place;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (check_index_constraints(insert->target, insert->slot, insert->estate, &place, insert->arbiters))
		{
			if (insert_speculatively(insert, recheck))
				return true;
		}
		else if (lock_existing(insert, &place))
			return false;
	}
}

bool
own_insert_row(OwnInsert *insert)
{
	List *recheck = NIL;

	ExecStoreVirtualTuple(insert->slot);
	if (insert->existing != NULL)
		ExecClearTuple(insert->existing);
	if (!prepare_row(insert))
		return false;
	if (insert->arbiters != NIL)
	{
		if (!insert_or_find(insert, &recheck))
			return false;
	}
	else
	{
		table_tuple_insert(insert->relation, insert->slot, insert->estate->es_output_cid, 0, NULL);
		recheck = insert_index_tuples(insert->target, insert->slot, insert->estate, false, NULL, NIL);
	}
	ExecARInsertTriggers(insert->estate, insert->target, insert->slot, recheck, insert->capture);
	list_free(recheck);
	return true;
}

void
own_insert_end(OwnInsert *insert)
{
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

/*-------------------------------------------------------------------------
 *
 * nested_change.c
 *	  Brings the changes that triggers of the application make to the rows of a
 *	  statement into the order of the rules.
 *
 * 1. A trigger of the application may change or delete the rows that its statement has
 *	  just written: it hides a post, or deletes spam.  The server runs the triggers of that
 *	  nested statement first, and those of the outer one at its end, with the rows as it
 *	  wrote them.
 *
 * 2. So the trigger of a nested statement leaves out the rows that an outer statement has
 *	  changed and not told yet, and the outer one reads its rows again before it tells them.
 *	  A row counts as it is by then, once: one that is gone was never there for the rules.
 *
 * 3. The outer statement has changed a row if its version right after the statement was
 *	  not there before it.  Both are snapshots of this transaction's commands, and the
 *	  primary key finds the row.
 *
 * 4. A change of the key is a deletion and an insertion, so that each is left out, or not.
 *
 * 5. Without nested statements that write to the same table nothing is looked up
 *	  (open_statement.c).  Tables without a primary key, partitioned tables, tables with
 *	  children and triggers FOR EACH ROW stay with the server's order.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "open_statement.h"
#include "write/nested_change.h"
#include "write/row_finder.h"

/* An outer statement, with the operations of the table whose triggers it has still to run. */
typedef struct PendingStatement
{
	OpenStatement *statement;
	bool has[RULE_OPERATIONS];
} PendingStatement;

/* The work on one call of the trigger. */
typedef struct Resolution
{
	Relation relation;
	Oid function; /* of the extension's triggers */
	RowFinder *finder;
	PendingStatement *pending;
	int pending_count;
	TupleTableSlot *new;
	TupleTableSlot *old;
	TupleTableSlot *found;
} Resolution;

/* Returns whether a table has the extension's trigger for each statement of an operation. */
static bool
has_statement_trigger(TriggerDesc *triggers, Oid function, RuleOperation operation)
{
	static const int16 types[] = { TRIGGER_TYPE_INSERT, TRIGGER_TYPE_UPDATE, TRIGGER_TYPE_DELETE };

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == function && trigger->tgenabled != TRIGGER_DISABLED &&
			TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_STATEMENT, TRIGGER_TYPE_AFTER, types[operation]))
			return true;
	}
	return false;
}

/* Returns whether a statement can make an operation; one of a WITH clause can be any. */
static bool
can_make(const OpenStatement *statement, RuleOperation operation)
{
	if (statement->query == NULL)
		return statement->unknown || operation == RULE_INSERT;
	if (statement->query->plannedstmt->hasModifyingCTE)
		return true;
	switch (statement->query->operation)
	{
		case CMD_INSERT:
			return operation != RULE_DELETE; /* ON CONFLICT DO UPDATE */
		case CMD_UPDATE:
			return operation == RULE_UPDATE;
		case CMD_DELETE:
			return operation == RULE_DELETE;
		default:
			return true; /* MERGE */
	}
}

/* Adds the operations of a table that a statement writes to, if they are still to be told. */
static void
add_target(const Resolution *work, PendingStatement *pending, Relation target, TriggerDesc *triggers)
{
	const OpenStatement *statement = pending->statement;

	if (RelationGetRelid(target) != RelationGetRelid(work->relation))
		return;
	for (int operation = 0; operation < RULE_OPERATIONS; operation++)
	{
		if (can_make(statement, operation) && has_statement_trigger(triggers, work->function, operation) &&
			!open_statement_has_told(statement, RelationGetRelid(target), operation))
			pending->has[operation] = true;
	}
}

static void
add_targets_of_query(const Resolution *work, PendingStatement *pending)
{
	ListCell *cell;

	foreach (cell, pending->statement->query->estate->es_opened_result_relations)
	{
		ResultRelInfo *target = lfirst(cell);

		if (target->ri_RootResultRelInfo == NULL || target->ri_RootResultRelInfo == target)
			add_target(work, pending, target->ri_RelationDesc, target->ri_TrigDesc);
	}
}

/* Finds the outer statements that have written to the table and not told it yet. */
static void
find_pending(Resolution *work, int outer_count)
{
	work->pending = palloc0(sizeof(PendingStatement) * outer_count);
	for (int i = 0; i < outer_count; i++)
	{
		PendingStatement *pending = &work->pending[work->pending_count];

		memset(pending, 0, sizeof(PendingStatement));
		pending->statement = open_statement_get(i);
		if (pending->statement->query != NULL)
			add_targets_of_query(work, pending);
		else if (OidIsValid(pending->statement->copied))
		{
			Relation target = table_open(pending->statement->copied, NoLock);

			add_target(work, pending, target, target->trigdesc);
			table_close(target, NoLock);
		}
		else if (pending->statement->unknown)
			add_target(work, pending, work->relation, work->relation->trigdesc);
		if (pending->has[RULE_INSERT] || pending->has[RULE_UPDATE] || pending->has[RULE_DELETE])
			work->pending_count++;
	}
}

/* Returns the operation by which a statement has changed the row with a key, or RULE_OPERATIONS: by none. */
static int
operation_on(RowFinder *finder, const OpenStatement *statement, TupleTableSlot *row)
{
	if (!row_finder_find(finder, row, statement->end, NULL))
		return row_finder_find(finder, row, statement->begin, NULL) ? RULE_DELETE : RULE_OPERATIONS;
	if (row_finder_was_there(finder, statement->begin))
		return RULE_OPERATIONS;
	if (!can_make(statement, RULE_INSERT) || row_finder_find(finder, row, statement->begin, NULL))
		return RULE_UPDATE;
	return RULE_INSERT;
}

/* Returns whether an outer statement has changed a row, by its key, and is to tell it. */
static bool
is_told_later(Resolution *work, TupleTableSlot *row)
{
	for (int i = 0; i < work->pending_count; i++)
	{
		PendingStatement *pending = &work->pending[i];
		int operation = operation_on(work->finder, pending->statement, row);

		if (operation == RULE_OPERATIONS || !pending->has[operation])
			continue;
		pending->statement->changed = true;
		return true;
	}
	return false;
}

static void
start_reading(Tuplestorestate *rows)
{
	if (rows == NULL)
		return;
	tuplestore_select_read_pointer(rows, tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
	tuplestore_rescan(rows);
}

/* Reads the next rows of both; returns false behind the last ones. */
static bool
read_changes(Resolution *work, ChangedRows rows)
{
	CHECK_FOR_INTERRUPTS();
	return (rows.new == NULL || tuplestore_gettupleslot(rows.new, true, false, work->new)) &&
		   (rows.old == NULL || tuplestore_gettupleslot(rows.old, true, false, work->old));
}

/* Adds a change of a row: without an old row it is an insertion, without a new one a deletion. */
static void
add_change(RowChanges *changes, TupleTableSlot *new, TupleTableSlot *old)
{
	ChangedRows *rows = &changes->of[RULE_UPDATE];

	if (old == NULL)
		rows = &changes->of[RULE_INSERT];
	else if (new == NULL)
		rows = &changes->of[RULE_DELETE];
	if (new != NULL && rows->new == NULL)
		rows->new = tuplestore_begin_heap(false, false, work_mem);
	if (old != NULL && rows->old == NULL)
		rows->old = tuplestore_begin_heap(false, false, work_mem);
	if (new != NULL)
		tuplestore_puttupleslot(rows->new, new);
	if (old != NULL)
		tuplestore_puttupleslot(rows->old, old);
}

/* Leaves out the rows that outer statements will tell. */
static RowChanges
leave_to_outer(Resolution *work, ChangedRows rows)
{
	RowChanges kept = { 0 };

	start_reading(rows.new);
	start_reading(rows.old);
	while (read_changes(work, rows))
	{
		TupleTableSlot *new = rows.new == NULL || is_told_later(work, work->new) ? NULL : work->new;
		TupleTableSlot *old = rows.old == NULL || is_told_later(work, work->old) ? NULL : work->old;

		if (new != NULL || old != NULL)
			add_change(&kept, new, old);
	}
	return kept;
}

/*
 * Adds the rows that a statement has changed as they are now.  One that is gone was not inserted, or is deleted.
 * One that is back was not deleted.
 */
static void
add_present(Resolution *work, ChangedRows rows, RowChanges *changes)
{
	CommandCounterIncrement();
	start_reading(rows.new);
	start_reading(rows.old);
	while (read_changes(work, rows))
	{
		TupleTableSlot *old = rows.old == NULL ? NULL : work->old;

		if (row_finder_find(work->finder, rows.new == NULL ? old : work->new, GetCurrentCommandId(false), work->found))
			add_change(changes, work->found, old);
		else if (old != NULL)
			add_change(changes, NULL, old);
	}
}

/* Begins to look up rows.  Returns false if the table has no key. */
static bool
begin_lookups(Resolution *work)
{
	TupleDesc shape = RelationGetDescr(work->relation);

	work->finder = row_finder_begin(work->relation);
	if (work->finder == NULL)
		return false;
	work->new = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
	work->old = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
	work->found = MakeSingleTupleTableSlot(shape, &TTSOpsVirtual);
	return true;
}

static void
end_lookups(Resolution *work)
{
	ExecDropSingleTupleTableSlot(work->new);
	ExecDropSingleTupleTableSlot(work->old);
	ExecDropSingleTupleTableSlot(work->found);
	row_finder_end(work->finder);
}

/* Returns whether triggers may have changed the rows of a statement: the extension's triggers were told, or missing. */
static bool
may_be_changed(const Resolution *work, const OpenStatement *own, RuleOperation operation)
{
	TriggerDesc *triggers = work->relation->trigdesc;

	if (!own->nested || own->changed)
		return own->changed;
	if (operation == RULE_DELETE)
		return !has_statement_trigger(triggers, work->function, RULE_INSERT);
	return !has_statement_trigger(triggers, work->function, RULE_UPDATE) ||
		   !has_statement_trigger(triggers, work->function, RULE_DELETE);
}

/* Frees rows unless they are those of the trigger. */
static void
end_rows(ChangedRows made, ChangedRows rows)
{
	if (made.new != NULL && made.new != rows.new)
		tuplestore_end(made.new);
	if (made.old != NULL && made.old != rows.old)
		tuplestore_end(made.old);
}

RowChanges
nested_change_resolve(TriggerData *trigger, RuleOperation operation, ChangedRows rows)
{
	Resolution work = { .relation = trigger->tg_relation, .function = trigger->tg_trigger->tgfoid };
	RowChanges changes = { 0 };
	int outer = TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ? open_statement_count() : 0;
	OpenStatement *own = outer > 0 ? open_statement_get(outer - 1) : NULL;
	bool changed = false;

	changes.of[operation] = rows;
	if (rows.new == NULL && rows.old == NULL)
		return changes;
	if (own != NULL && !(own->unknown && GetActiveSnapshot()->curcid >= own->end))
	{
		outer--;
		open_statement_tell(own, RelationGetRelid(work.relation), operation);
		changed = may_be_changed(&work, own, operation);
	}
	if (outer > 0)
		find_pending(&work, outer);
	if ((work.pending_count == 0 && !changed) || !begin_lookups(&work))
		return changes;
	if (work.pending_count > 0)
		changes = leave_to_outer(&work, rows);
	if (changed)
	{
		ChangedRows left = changes.of[operation];

		changes.of[operation] = (ChangedRows){ NULL, NULL };
		if (left.new != NULL || left.old != NULL)
			add_present(&work, left, &changes);
		end_rows(left, rows);
	}
	end_lookups(&work);
	return changes;
}

void
nested_change_end(RowChanges *changes, ChangedRows rows)
{
	for (int operation = 0; operation < RULE_OPERATIONS; operation++)
		end_rows(changes->of[operation], rows);
}

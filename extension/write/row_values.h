/*-------------------------------------------------------------------------
 *
 * row_values.h
 *	  Locks the values of a new row that are unique, and looks whether a row has them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ROW_VALUES_H
#define HERALD_ROW_VALUES_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "storage/lock.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#define ROW_VALUES 4

/* The values of one row after another in a unique index over columns of type text. */
typedef struct RowValues
{
	Relation table;
	Relation index;
	IndexInfo *info;
	int count; /* 0: one is null, and no row has the same ones */
	ScanKeyData keys[ROW_VALUES];
	LOCKTAG lock;
	SnapshotData dirty;
	IndexScanDesc scan; /* NULL: not begun */
} RowValues;

/* Begins with an index that is open for insertions, in the current memory context. */
extern RowValues *row_values_begin(Relation table, Relation index, IndexInfo *info);
extern void row_values_end(RowValues *values);

/* Takes the values of a row, which must live as long. */
extern void row_values_set(RowValues *values, TupleTableSlot *row, EState *estate);

/* Lock and unlock them against other sessions.  The end of the subtransaction unlocks them, too. */
extern void row_values_lock(const RowValues *values);
extern void row_values_unlock(const RowValues *values);

/* Returns whether a row has them, also one of a transaction in progress.  The slot of the table is empty afterwards. */
extern bool row_values_exist(RowValues *values, TupleTableSlot *slot);

#endif /* HERALD_ROW_VALUES_H */

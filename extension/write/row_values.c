/*-------------------------------------------------------------------------
 *
 * row_values.c
 *	  Locks the values of a new row that are unique, and looks whether a row has them.
 *
 * The lock is that of a place in the index that a hash of the values gives.  Nothing else
 * locks places of an index, and no SQL can.  Other values with the same hash wait, too:
 * for the time of one insertion.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "write/row_values.h"

static uint64
hash_text(Datum value)
{
	text *key = DatumGetTextPP(value);

	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(key), (int) VARSIZE_ANY_EXHDR(key), 0);
}

void
row_values_set(RowValues *values, TupleTableSlot *row, Relation index, IndexInfo *info, EState *estate)
{
	Datum columns[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];
	uint64 hash = 0;

	Assert(info->ii_Unique && info->ii_NumIndexKeyAttrs <= ROW_VALUES);
	GetPerTupleExprContext(estate)->ecxt_scantuple = row;
	FormIndexDatum(info, row, estate, columns, nulls);
	values->index = index;
	values->count = info->ii_NumIndexKeyAttrs;
	for (int i = 0; i < info->ii_NumIndexKeyAttrs; i++)
	{
		Assert(index->rd_opcintype[i] == TEXTOID);
		if (nulls[i])
		{
			values->count = 0;
			return;
		}
		hash = hash_combine64(hash, hash_text(columns[i]));
		ScanKeyEntryInitialize(&values->keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid, index->rd_indcollation[i],
							   F_TEXTEQ, columns[i]);
	}
	SET_LOCKTAG_TUPLE(values->lock, MyDatabaseId, RelationGetRelid(index), (uint32) hash, (uint16) (hash >> 32));
}

void
row_values_lock(const RowValues *values)
{
	if (values->count > 0)
		(void) LockAcquire(&values->lock, ExclusiveLock, false, false);
}

void
row_values_unlock(const RowValues *values)
{
	if (values->count > 0)
		(void) LockRelease(&values->lock, ExclusiveLock, false);
}

bool
row_values_exist(const RowValues *values, Relation table, TupleTableSlot *slot)
{
	SnapshotData dirty;
	IndexScanDesc scan;
	bool found;

	if (values->count == 0)
		return false;
	InitDirtySnapshot(dirty);
	scan = begin_index_scan(table, values->index, &dirty, values->count);
	index_rescan(scan, (ScanKey) values->keys, values->count, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	index_endscan(scan);
	ExecClearTuple(slot);
	return found;
}

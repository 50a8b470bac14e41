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

RowValues *
row_values_begin(Relation table, Relation index, IndexInfo *info)
{
	RowValues *values = palloc0(sizeof(RowValues));

	Assert(info->ii_Unique && info->ii_NumIndexKeyAttrs <= ROW_VALUES);
	values->table = table;
	values->index = index;
	values->info = info;
	InitDirtySnapshot(values->dirty);
	return values;
}

void
row_values_set(RowValues *values, TupleTableSlot *row, EState *estate)
{
	Datum columns[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];
	Relation index = values->index;
	uint64 hash = 0;

	GetPerTupleExprContext(estate)->ecxt_scantuple = row;
	FormIndexDatum(values->info, row, estate, columns, nulls);
	values->count = values->info->ii_NumIndexKeyAttrs;
	for (int i = 0; i < values->info->ii_NumIndexKeyAttrs; i++)
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

void
row_values_end(RowValues *values)
{
	if (values->scan != NULL)
		index_endscan(values->scan);
	values->scan = NULL;
}

/* The access method keeps what it allocates with the scan: in the context of the scan, which outlives the row. */
bool
row_values_exist(RowValues *values, TupleTableSlot *slot)
{
	MemoryContext caller;
	bool found;

	if (values->count == 0)
		return false;
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(values));
	if (values->scan == NULL)
		values->scan = begin_index_scan(values->table, values->index, &values->dirty, values->count);
	index_rescan(values->scan, values->keys, values->count, NULL, 0);
	found = index_getnext_slot(values->scan, ForwardScanDirection, slot);
	ExecClearTuple(slot);
	MemoryContextSwitchTo(caller);
	if (found)
		row_values_end(values); /* the caller may wait: a scan keeps pages */
	return found;
}

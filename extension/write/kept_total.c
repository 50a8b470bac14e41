/*-------------------------------------------------------------------------
 *
 * kept_total.c
 *	  Tells whether totals are kept, to the writers of events that change them.
 *
 * A reader of a kept total finds the later events by the index of subjects
 * (read/total.c).  So the events of kept totals have entries there.  A writer looks for
 * the total after its transaction has got an id: the first count of a total waits for the
 * end of all transactions that may not have seen it (sql/parts/total.sql).
 *
 * An entry in the index of totals is enough, whichever transactions see its row: an entry
 * in the index of subjects that no reader needs does no harm.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "event_columns.h"
#include "own_table.h"
#include "write/kept_total.h"

/* Opens the index alone: an entry is enough, and to open the table, too, costs the first write of a session more. */
static void
open_totals(KeptTotals *totals)
{
	MemoryContext caller = MemoryContextSwitchTo(totals->memory);

	Assert(FullTransactionIdIsValid(GetTopFullTransactionIdIfAny()));
	totals->index = index_open(own_table_oid("herald_internal", "total_pkey"), AccessShareLock);
	totals->scan = begin_bitmap_scan(totals->index, SnapshotAny, 2);
	totals->entries = tbm_create(work_mem * INT64CONST(1024), NULL);
	MemoryContextSwitchTo(caller);
}

bool
kept_totals_have(KeptTotals *totals, Datum counter, Datum counted_id)
{
	MemoryContext caller;
	ScanKeyData keys[2];
	bool found;

	if (totals->index == NULL)
		open_totals(totals);
	ScanKeyEntryInitialize(&keys[0], 0, TOTAL_COUNTED_ID, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ,
						   counted_id);
	ScanKeyInit(&keys[1], TOTAL_COUNTER, BTEqualStrategyNumber, F_INT4EQ, counter);
	caller = MemoryContextSwitchTo(totals->memory); /* the access method allocates with the scan */
	index_rescan(totals->scan, keys, lengthof(keys), NULL, 0);
	found = index_getbitmap(totals->scan, totals->entries) > 0;
	MemoryContextSwitchTo(caller);
	return found;
}

void
kept_totals_end(KeptTotals *totals)
{
	if (totals->index == NULL)
		return;
	tbm_free(totals->entries);
	index_endscan(totals->scan);
	index_close(totals->index, AccessShareLock);
}

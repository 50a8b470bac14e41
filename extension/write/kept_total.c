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
 * A row in the table of totals, or an entry in its index, is enough, whichever transactions
 * see the row: an entry in the index of subjects that no reader needs does no harm.  The
 * snapshot of the statement keeps the former version of a row in its page.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
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

/* Returns whether the index has an entry. */
static bool
index_has(KeptTotals *totals, Datum counter, Datum counted_id)
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

/*
 * Looks for the row in the pages of the table, if there are few: the first write of a session then opens no index.
 * Returns false if there are many, and sets *found otherwise.
 */
static bool
look_into_pages(Datum counter, Datum counted_id, bool *found)
{
	static const Oid types[] = { [TOTAL_COUNTED_ID - 1] = TEXTOID, [TOTAL_COUNTER - 1] = INT4OID };
	static OwnColumns columns = { .count = lengthof(types), .types = types };
	OwnScan rows = own_scan_few("herald_internal", "total", "total_pkey", &columns, TOTAL_COUNTED_ID, SnapshotAny);
	bool few = rows.pages == 0 || rows.few != NULL;
	bool isnull;

	*found = false;
	if (few)
		own_scan_seek(&rows, counted_id);
	while (few && !*found && own_scan_next(&rows))
		*found = DatumGetInt32(own_scan_value(&rows, TOTAL_COUNTER, &isnull)) == DatumGetInt32(counter);
	own_scan_end(&rows);
	return few;
}

bool
kept_totals_have(KeptTotals *totals, Datum counter, Datum counted_id)
{
	bool found;

	if (!totals->asked && look_into_pages(counter, counted_id, &found))
	{
		totals->asked = true;
		return found;
	}
	totals->asked = true;
	return index_has(totals, counter, counted_id);
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

/*-------------------------------------------------------------------------
 *
 * kept_total.c
 *	  Tells whether totals are kept, to the writers of events that change them.
 *
 * A reader of a kept total finds the later events by the index of subjects
 * (read/total.c).  So the events of kept totals have entries there.  The latest snapshot
 * decides, taken after the transaction has got its id: the first count of a total waits
 * for the end of all transactions that may not have seen it (sql/parts/total.sql).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "event_columns.h"
#include "write/kept_total.h"

static void
open_rows(KeptTotals *totals)
{
	MemoryContext caller = MemoryContextSwitchTo(totals->memory);

	Assert(FullTransactionIdIsValid(GetTopFullTransactionIdIfAny()));
	totals->latest = RegisterSnapshot(GetLatestSnapshot());
	totals->rows = own_scan_by_index("herald_internal", "total", "total_pkey", totals->latest);
	MemoryContextSwitchTo(caller);
}

bool
kept_totals_have(KeptTotals *totals, Datum counter, Datum counted_id)
{
	bool isnull;

	if (totals->latest == NULL)
		open_rows(totals);
	own_scan_seek(&totals->rows, counted_id);
	while (own_scan_next(&totals->rows))
	{
		if (DatumGetInt32(own_scan_value(&totals->rows, TOTAL_COUNTER, &isnull)) == DatumGetInt32(counter))
			return true;
	}
	return false;
}

void
kept_totals_end(KeptTotals *totals)
{
	if (totals->latest == NULL)
		return;
	own_scan_end(&totals->rows);
	UnregisterSnapshot(totals->latest);
}

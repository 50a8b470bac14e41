/*-------------------------------------------------------------------------
 *
 * kept_total.h
 *	  Tells whether totals are kept, to the writers of events that change them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_KEPT_TOTAL_H
#define HERALD_KEPT_TOTAL_H

#include "postgres.h"

#include "access/relscan.h"
#include "nodes/tidbitmap.h"
#include "utils/rel.h"

/* Some questions of one statement. */
typedef struct KeptTotals
{
	MemoryContext memory;		/* lives until kept_totals_end() */
	uint64 asked;				/* the number of questions */
	struct total_set_hash *all; /* NULL: not read */
	Relation index;				/* NULL: not open */
	IndexScanDesc scan;
	TIDBitmap *entries;
} KeptTotals;

/* Returns whether the total of a counter and a subject may be kept, or about to be.  The transaction has an id. */
extern bool kept_totals_have(KeptTotals *totals, Datum counter, Datum counted_id);

extern void kept_totals_end(KeptTotals *totals);

#endif /* HERALD_KEPT_TOTAL_H */

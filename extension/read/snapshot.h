/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *	  A snapshot of the event log: which transactions had ended, and which ids
 *	  events had.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SNAPSHOT_H
#define HERALD_SNAPSHOT_H

#include "postgres.h"

/*
 * All transactions below xmax had ended, except those in progress.  Their events
 * have ids up to the top.  Transactions from "next" on had not begun; their events
 * have ids above the top.
 */
typedef struct LogSnapshot
{
	int64 top;
	uint64 xmin;
	uint64 xmax;
	uint64 next;
	int count;
	uint64 *in_progress; /* ascending, below xmax; in the memory context that made the snapshot */
} LogSnapshot;

/* Returns the state of the log at the active snapshot.  Within a query scope of the extension's owner. */
extern LogSnapshot snapshot_current(void);

/* Returns the highest id that an event can have.  The active snapshot is older: it sees no higher one. */
extern int64 snapshot_top_id(void);

/*
 * Makes transactions at or above the limit count as not ended: another start of
 * the server may have given out their ids again.
 */
extern void snapshot_clip(LogSnapshot *snapshot, uint64 limit);

/*
 * Returns a new snapshot in which those transactions had ended that had ended in both.  What it says of ids is true if
 * what one of them says is true: the other one may come from a client.
 */
extern LogSnapshot snapshot_intersect(const LogSnapshot *a, const LogSnapshot *b);

/* Returns whether the transaction had ended. */
extern bool snapshot_sees(const LogSnapshot *snapshot, uint64 xid);

/* Returns whether all transactions that had ended in "a" had ended in "b". */
extern bool snapshot_within(const LogSnapshot *a, const LogSnapshot *b);

/* Convert from and to a datum of type pg_snapshot, which has no top and no "next". */
extern LogSnapshot snapshot_from_datum(Datum datum);
extern Datum snapshot_to_datum(const LogSnapshot *snapshot);

/* Returns the transactions in progress as a datum of type xid8[]. */
extern Datum snapshot_in_progress(const LogSnapshot *snapshot);

#endif /* HERALD_SNAPSHOT_H */

/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *	  Which transactions had ended when, and how far the event log had come.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SNAPSHOT_H
#define HERALD_SNAPSHOT_H

#include "postgres.h"

/*
 * Which transactions had ended: all below xmax but those in progress.  Their events
 * have ids up to the top.  Those of transactions from "next" on, which had not begun,
 * have ids above it.
 */
typedef struct LogSnapshot
{
	int64 top;
	uint64 xmin;
	uint64 xmax;
	uint64 next;
	int count;
	uint64 *in_progress; /* ascending */
} LogSnapshot;

/* The snapshot of the active snapshot; within a query scope of the extension's owner. */
extern LogSnapshot snapshot_current(void);

/* Forgets the ends of transactions at or above the limit, whose ids another start of the server may have given out. */
extern void snapshot_clip(LogSnapshot *snapshot, uint64 limit);

/* The snapshot at which just those transactions had ended that had at both. */
extern LogSnapshot snapshot_intersect(const LogSnapshot *a, const LogSnapshot *b);

/* Whether all transactions that had ended at "a" had ended at "b". */
extern bool snapshot_within(const LogSnapshot *a, const LogSnapshot *b);

/* The snapshot as a value of type pg_snapshot. */
extern Datum snapshot_to_datum(const LogSnapshot *snapshot);

/* The list of transactions in progress as a value of type xid8[]. */
extern Datum snapshot_in_progress(const LogSnapshot *snapshot);

#endif /* HERALD_SNAPSHOT_H */

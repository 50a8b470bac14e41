/*-------------------------------------------------------------------------
 *
 * moment.h
 *	  Which transactions had ended when, and how far the event log had come.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_MOMENT_H
#define HERALD_MOMENT_H

#include "postgres.h"

/*
 * Which transactions had ended: all below xmax but those in progress.  Their events
 * have ids up to the top.  Those of transactions from "next" on, which had not begun,
 * have ids above it.
 */
typedef struct Moment
{
	int64 top;
	uint64 xmin;
	uint64 xmax;
	uint64 next;
	int count;
	uint64 *in_progress; /* ascending */
} Moment;

/* The moment of the active snapshot; within a query scope of the extension's owner. */
extern Moment moment_now(void);

/* Forgets the ends of transactions at or above the limit, whose ids another start of the server may have given out. */
extern void moment_clip(Moment *moment, uint64 limit);

/* The moment at which just those transactions had ended that had at both. */
extern Moment moment_before(const Moment *a, const Moment *b);

/* Whether all transactions that had ended at "a" had ended at "b". */
extern bool moment_within(const Moment *a, const Moment *b);

/* The moment as a value of type pg_snapshot. */
extern Datum moment_snapshot(const Moment *moment);

/* The list of transactions in progress as a value of type xid8[]. */
extern Datum moment_in_progress(const Moment *moment);

#endif /* HERALD_MOMENT_H */

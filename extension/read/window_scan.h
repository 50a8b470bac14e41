/*-------------------------------------------------------------------------
 *
 * window_scan.h
 *	  Finds the rows of a window of the event log, in the order of their ids.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WINDOW_SCAN_H
#define HERALD_WINDOW_SCAN_H

#include "postgres.h"

#include "access/htup.h"
#include "event_columns.h"
#include "index_range.h"
#include "read/position.h"

/* The events of one partition above the top of the window's begin. */
typedef struct FreshRange
{
	IndexRange range;
	HeapTuple next; /* NULL: no more */
} FreshRange;

typedef struct WindowScan
{
	Relation partitions[EVENT_PARTITIONS];
	FreshRange fresh[EVENT_PARTITIONS];
	HeapTuple *late; /* the events up to the top, ascending: copies */
	int64 late_count;
	int64 late_at;		   /* the next one */
	int64 late_limit;	   /* so many are kept */
	int current_partition; /* of the latest row; -1: none */
} WindowScan;

/*
 * Begins a scan over the rows from which the window that the position is in the middle of consists, from its last
 * id on.  They may include rows of other windows.  At most so many rows are going to be read.
 */
extern void window_scan_begin(WindowScan *scan, const Position *position, int64 rows);

/* Returns the next row, valid until the next call; NULL behind the last one. */
extern HeapTuple window_scan_next(WindowScan *scan);

/* Ends the scan.  The locks of the partitions last until the end of the transaction. */
extern void window_scan_end(WindowScan *scan);

/* Returns the row type of the event log. */
extern TupleDesc window_scan_shape(const WindowScan *scan);

#endif /* HERALD_WINDOW_SCAN_H */

/*-------------------------------------------------------------------------
 *
 * window_scan.c
 *	  Finds the rows of a window of the event log, in the order of their ids.
 *
 * 1. Above the top of the window's begin, all rows are new ("fresh").  The index on the
 *	  id has them in order in each partition; the scan merges the partitions.
 *
 *	  The top is no row's id.
 *
 * 2. Up to the top, rows of the window are "late": of transactions that were in progress
 *	  or had not begun (xid_rows.c).  They come before all fresh ones.  Those of one long
 *	  transaction can be millions: no page reads more of them than it can hold.
 *
 * 3. The row with the last id of the position may announce a notification that has not
 *	  been read.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/xid8.h"

#include "read/window_scan.h"
#include "read/xid_rows.h"

#define LEAST_LATE_CAPACITY 64

TupleDesc
window_scan_shape(const WindowScan *scan)
{
	return RelationGetDescr(scan->partitions[0]);
}

static int64
row_id(const WindowScan *scan, HeapTuple row)
{
	bool isnull;

	return DatumGetInt64(heap_getattr(row, EVENT_ID, window_scan_shape(scan), &isnull));
}

static int
compare_ids(const void *a, const void *b, void *scan)
{
	int64 left = row_id(scan, *(const HeapTuple *) a);
	int64 right = row_id(scan, *(const HeapTuple *) b);

	return (left > right) - (left < right);
}

/* Sorts the late rows, and drops those that cannot be reached. */
static void
sort_late(WindowScan *scan)
{
	qsort_arg(scan->late, scan->late_count, sizeof(HeapTuple), compare_ids, scan);
	for (; scan->late_count > scan->late_limit; scan->late_count--)
		heap_freetuple(scan->late[scan->late_count - 1]);
}

/* The late rows of a window. */
typedef struct LateRows
{
	WindowScan *scan;
	const Position *position;
	XidRows rows; /* transactions with ids near to each other; begin = end: none yet */
} LateRows;

/* Adds a late row.  The array has room for twice as many as are enough, or for as many as there have been. */
static void
add_late(WindowScan *scan, HeapTuple row)
{
	int64 count = scan->late_count;

	if (count >= 2 * scan->late_limit && count >= LEAST_LATE_CAPACITY)
		sort_late(scan);
	else if (count >= LEAST_LATE_CAPACITY && (count & (count - 1)) == 0)
		scan->late = repalloc_huge(scan->late, sizeof(HeapTuple) * count * 2);
	scan->late[scan->late_count++] = heap_copytuple(row);
}

/* Adds a row if its transaction belongs to the window.  Returns whether it does. */
static bool
take_late(void *argument, HeapTuple row, uint64 xid)
{
	LateRows *late = argument;

	if (!snapshot_sees(&late->position->window_end, xid) || snapshot_sees(&late->position->seen, xid))
		return false;
	add_late(late->scan, row);
	return true;
}

/* Adds the rows of the transactions that were collected. */
static void
add_late_rows(LateRows *late)
{
	if (late->rows.begin < late->rows.end)
		xid_rows_visit(late->scan->partitions, &late->rows, take_late, late);
}

/* Collects transactions, in ascending order.  Those with ids far above come later: the rows in between may be many. */
static void
add_late_xids(LateRows *late, uint64 begin, uint64 end)
{
	XidRows *rows = &late->rows;

	if (rows->begin == rows->end || begin - rows->end > EVENT_NEAR_XIDS)
	{
		add_late_rows(late);
		rows->begin = begin;
	}
	rows->end = end;
}

/* Adds the rows of the transactions in progress that have ended in the window, and of those that had not begun. */
static void
find_late(WindowScan *scan, const Position *position)
{
	const LogSnapshot *seen = &position->seen;
	uint64 begun_limit = Min(position->window_end.xmax, seen->next);
	LateRows late = { scan, position, { 0, 0, position->last_id, seen->top, scan->late_limit } };

	if (position->last_id >= seen->top)
		return;
	for (int i = 0; i < seen->count; i++)
	{
		if (snapshot_sees(&position->window_end, seen->in_progress[i]))
			add_late_xids(&late, seen->in_progress[i], seen->in_progress[i] + 1);
	}
	if (seen->xmax < begun_limit)
		add_late_xids(&late, seen->xmax, begun_limit);
	add_late_rows(&late);
	sort_late(scan);
}

static void
begin_fresh(WindowScan *scan, const Position *position, int partition)
{
	IndexRange range = index_range_open(scan->partitions[partition], psprintf(EVENT_INDEX_BY_ID, partition));
	int64 from = Max(position->last_id, position->seen.top);

	index_range_where(&range, EVENT_ID, BTGreaterEqualStrategyNumber, Int64GetDatum(from));
	index_range_where(&range, EVENT_ID, BTLessEqualStrategyNumber, Int64GetDatum(position->window_end.top));
	scan->fresh[partition].range = range;
	scan->fresh[partition].next = index_range_next(&scan->fresh[partition].range);
}

void
window_scan_begin(WindowScan *scan, const Position *position, int64 rows)
{
	Assert(position->partial && rows > 0);
	memset(scan, 0, sizeof(*scan));
	scan->current_partition = -1;
	scan->late_limit = (int64) rows + 1; /* one more tells that the page is full */
	scan->late = palloc(sizeof(HeapTuple) * LEAST_LATE_CAPACITY);
	xid_rows_open(scan->partitions);
	find_late(scan, position);
	for (int i = 0; i < EVENT_PARTITIONS; i++)
		begin_fresh(scan, position, i);
}

/* Returns the partition with the lowest id that comes next; -1: none has more. */
static int
lowest_partition(const WindowScan *scan)
{
	int lowest = -1;

	for (int i = 0; i < EVENT_PARTITIONS; i++)
	{
		HeapTuple next = scan->fresh[i].next;

		if (next != NULL &&
			(lowest < 0 || row_id(scan, next) < row_id(scan, scan->fresh[lowest].next)))
			lowest = i;
	}
	return lowest;
}

HeapTuple
window_scan_next(WindowScan *scan)
{
	if (scan->late_at < scan->late_count)
		return scan->late[scan->late_at++];
	if (scan->current_partition >= 0)
		scan->fresh[scan->current_partition].next = index_range_next(&scan->fresh[scan->current_partition].range);
	scan->current_partition = lowest_partition(scan);
	return scan->current_partition < 0 ? NULL : scan->fresh[scan->current_partition].next;
}

void
window_scan_end(WindowScan *scan)
{
	for (int i = 0; i < EVENT_PARTITIONS; i++)
		index_range_close(&scan->fresh[i].range);
	xid_rows_close(scan->partitions);
}

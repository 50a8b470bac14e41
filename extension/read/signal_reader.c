/*-------------------------------------------------------------------------
 *
 * signal_reader.c
 *	  Reads the signals of a window.
 *
 * Signals are in a ring of partitions by time.  A reader looks at the one in use and
 * at the one before, because maintenance locks the others while it empties them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "index_range.h"
#include "own_table.h"
#include "read/signal_reader.h"
#include "write/signal.h"

/* The signals of a window so far. */
typedef struct SignalReading
{
	const LogSnapshot *seen;
	const LogSnapshot *until;
	List *rows; /* SignalRow */
	int64 size;
} SignalReading;

/* Compares two columns of fixed size. */
#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* In the order of writing. */
static int
compare_signals(const ListCell *a, const ListCell *b)
{
	const Datum *left = ((SignalRow *) lfirst(a))->values;
	const Datum *right = ((SignalRow *) lfirst(b))->values;
	int order = COMPARE(DatumGetTimestampTz(left[SIGNAL_AT - 1]), DatumGetTimestampTz(right[SIGNAL_AT - 1]));

	if (order == 0)
		order = COMPARE(DatumGetUInt64(left[SIGNAL_XID - 1]), DatumGetUInt64(right[SIGNAL_XID - 1]));
	if (order == 0)
		order = COMPARE(DatumGetInt32(left[SIGNAL_NUMBER - 1]), DatumGetInt32(right[SIGNAL_NUMBER - 1]));
	return order;
}

/* Sorts the signals, and drops the oldest ones that are too much. */
static void
keep_newest(SignalReading *reading)
{
	int dropped = 0;

	list_sort(reading->rows, compare_signals);
	for (; reading->size > SIGNALS_LARGEST; dropped++)
	{
		SignalRow *oldest = list_nth(reading->rows, dropped);

		reading->size -= oldest->size;
		heap_freetuple(oldest->copy);
		pfree(oldest);
	}
	if (dropped > 0)
		reading->rows = list_copy_tail(reading->rows, dropped);
}

/* Adds a row if it belongs to the window. */
static void
add_signal(SignalReading *reading, HeapTuple tuple, TupleDesc shape)
{
	SignalRow *row = palloc(sizeof(SignalRow));
	uint64 xid;

	row->copy = heap_copytuple(tuple);
	own_row_take(row->copy, shape, SIGNAL_COLUMNS, row->values, row->nulls);
	xid = DatumGetUInt64(row->values[SIGNAL_XID - 1]);
	if (!snapshot_sees(reading->until, xid) || snapshot_sees(reading->seen, xid))
		return;
	row->size = SIGNAL_OVERHEAD + (int64) toast_raw_datum_size(row->values[SIGNAL_PAYLOAD - 1]) - VARHDRSZ +
				(int64) toast_datum_size(row->values[SIGNAL_ROOMS - 1]);
	reading->rows = lappend(reading->rows, row);
	reading->size += row->size;
	if (reading->size > 2 * SIGNALS_LARGEST)
		keep_newest(reading);
}

/* Reads the signals of a range of transactions. */
static void
read_signals_of(SignalReading *reading, Relation partition, const char *index, uint64 begin, uint64 end)
{
	IndexRange range = index_range_open(partition, index);
	HeapTuple row;

	index_range_where(&range, SIGNAL_XID, BTGreaterEqualStrategyNumber, UInt64GetDatum(begin));
	index_range_where(&range, SIGNAL_XID, BTLessStrategyNumber, UInt64GetDatum(end));
	while ((row = index_range_next(&range)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		add_signal(reading, row, RelationGetDescr(partition));
	}
	index_range_close(&range);
}

/* Reads the signals of transactions that had not begun, and of those that were in progress. */
static void
read_window(SignalReading *reading, Relation partition, const char *index)
{
	const LogSnapshot *seen = reading->seen;

	read_signals_of(reading, partition, index, seen->xmax, Max(reading->until->xmax, seen->xmax));
	for (int i = 0; i < seen->count; i++)
	{
		if (snapshot_sees(reading->until, seen->in_progress[i]))
			read_signals_of(reading, partition, index, seen->in_progress[i], seen->in_progress[i] + 1);
	}
}

/* Most partitions are empty: an application that sends no signals pays for none. */
static void
read_partition(SignalReading *reading, int slot)
{
	Relation partition = table_open(own_table_oid("herald_internal", psprintf("signal_%d", slot)), AccessShareLock);

	if (RelationGetNumberOfBlocks(partition) > 0)
		read_window(reading, partition, psprintf("signal_%d_xid_idx", slot));
	table_close(partition, NoLock);
}

List *
signal_reader_read(const LogSnapshot *seen, const LogSnapshot *until)
{
	SignalReading reading = { seen, until };
	int slot = signal_slot();

	Assert(seen != NULL && until != NULL);
	read_partition(&reading, slot);
	read_partition(&reading, (slot + SIGNAL_SLOTS - 1) % SIGNAL_SLOTS);
	keep_newest(&reading);
	return reading.rows;
}

/*-------------------------------------------------------------------------
 *
 * xid_rows.c
 *	  Finds the rows of transactions in the event log.
 *
 * An index on the transaction would cost each writer an entry.  But a transaction gets
 * its id before it draws the ids of its rows, so that rows in the order of their ids are
 * nearly in the order of their transactions.  "Next" of a row be the next transaction id at
 * the moment when the row drew its id.
 *
 * 1. The transaction of a row is below the row's next.
 *
 * 2. The row tells its next, or a transaction id shortly after it (event_log.c).  If more
 *	  than EVENT_NEAR_XIDS lie between that and its transaction, the row is delayed: it has
 *	  an entry in an index on the transaction.
 *
 * 3. Rows with higher ids have no lower next.  A crash makes it lower, but not lower than
 *	  the transaction of any row that has survived.
 *
 * So all rows of transactions from X on lie behind any row that tells a next of at most X.
 * And the rows of transactions before Y, without delayed ones, lie before any row of a
 * transaction EVENT_NEAR_XIDS above Y.  To find rows of the first kind, the log is searched
 * from its end, and then by halves.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/xid8.h"

#include "index_range.h"
#include "own_table.h"
#include "query.h"
#include "read/snapshot.h"
#include "read/xid_rows.h"

/* The search ends when the place is known within so many ids: a step costs as much as to read some rows. */
#define NEAR_IDS 64

void
xid_rows_open(Relation *partitions)
{
	for (int i = 0; i < EVENT_PARTITIONS; i++)
		partitions[i] = table_open(own_table_oid("herald_internal", psprintf(EVENT_PARTITION, i)), AccessShareLock);
}

void
xid_rows_close(Relation *partitions)
{
	for (int i = 0; i < EVENT_PARTITIONS; i++)
		table_close(partitions[i], NoLock);
}

static uint64
row_xid(HeapTuple row, TupleDesc shape)
{
	bool isnull;

	return DatumGetUInt64(heap_getattr(row, EVENT_XID, shape, &isnull));
}

static bool
is_delayed(HeapTuple row)
{
	return !heap_attisnull(row, EVENT_NEXT_XID, NULL);
}

/* Returns the next that a row tells. */
static uint64
row_next(HeapTuple row, TupleDesc shape)
{
	bool isnull;
	Datum begun;

	if (is_delayed(row))
		return DatumGetUInt64(heap_getattr(row, EVENT_NEXT_XID, shape, &isnull));
	begun = heap_getattr(row, EVENT_BEGUN, shape, &isnull);
	return row_xid(row, shape) + 1 + (isnull ? 0 : (uint64) DatumGetChar(begun));
}

/* ----- the search */

/* Returns the id behind a partition's first row from "from" on, if its next is at most "xid"; else 0. */
static int64
id_behind(Relation *partitions, int number, uint64 xid, int64 from)
{
	TupleDesc shape = RelationGetDescr(partitions[number]);
	IndexRange range = index_range_open(partitions[number], psprintf(EVENT_INDEX_BY_ID, number));
	HeapTuple row;
	bool isnull;
	int64 behind = 0;

	index_range_where(&range, EVENT_ID, BTGreaterEqualStrategyNumber, Int64GetDatum(from));
	row = index_range_next(&range);
	if (row != NULL && row_next(row, shape) <= xid)
		behind = DatumGetInt64(heap_getattr(row, EVENT_ID, shape, &isnull)) + 1;
	index_range_close(&range);
	return behind;
}

/* Returns such an id of any partition; 0: none has one.  Begins with the one that has been useful. */
static int64
id_behind_any(Relation *partitions, uint64 xid, int64 from)
{
	static int useful = 0;
	int64 behind = 0;

	for (int i = 0; i < EVENT_PARTITIONS && behind == 0; i++)
	{
		int number = (useful + i) % EVENT_PARTITIONS;

		behind = id_behind(partitions, number, xid, from);
		if (behind != 0)
			useful = number;
	}
	return behind;
}

/*
 * Returns an id from which on the log has all rows of this transaction and of later ones that are not below "from".  It
 * is near their first one, if the rows have ids up to about "to".
 */
static int64
first_id_of_rows(Relation *partitions, uint64 xid, int64 from, int64 to)
{
	int64 first = from;
	int64 limit = to;
	int64 step = NEAR_IDS / 2;
	int64 behind = 0;

	while (behind == 0 && to - step > from)
	{
		behind = id_behind_any(partitions, xid, to - step);
		if (behind == 0)
			limit = to - step;
		step *= 4;
	}
	first = Max(first, behind);
	while (limit - first > NEAR_IDS)
	{
		int64 middle = first + (limit - first) / 2;

		CHECK_FOR_INTERRUPTS();
		behind = id_behind_any(partitions, xid, middle);
		if (behind == 0)
			limit = middle;
		else
			first = Max(middle, behind);
	}
	return first;
}

/* ----- the rows */

/* Visits the rows of a partition that are not delayed, from an id on. */
static void
visit_by_id(Relation *partitions, int number, int64 first, const XidRows *rows, XidRowVisitor visit, void *argument)
{
	TupleDesc shape = RelationGetDescr(partitions[number]);
	IndexRange range = index_range_open(partitions[number], psprintf(EVENT_INDEX_BY_ID, number));
	int64 taken = 0;
	HeapTuple row;

	index_range_where(&range, EVENT_ID, BTGreaterEqualStrategyNumber, Int64GetDatum(first));
	index_range_where(&range, EVENT_ID, BTLessEqualStrategyNumber, Int64GetDatum(rows->to));
	while (taken < rows->most && (row = index_range_next(&range)) != NULL)
	{
		uint64 xid = row_xid(row, shape);

		CHECK_FOR_INTERRUPTS();
		if (xid >= rows->end + EVENT_NEAR_XIDS)
			break;
		if (xid >= rows->begin && xid < rows->end && !is_delayed(row) && visit(argument, row, xid))
			taken++;
	}
	index_range_close(&range);
}

/*
 * Visits the delayed rows of transactions from "begin" on, until there are enough of one transaction.  Returns the next
 * transaction; the end behind the last one.
 */
static uint64
visit_delayed(Relation *partitions, int number, uint64 begin, const XidRows *rows, XidRowVisitor visit, void *argument)
{
	TupleDesc shape = RelationGetDescr(partitions[number]);
	IndexRange range = index_range_open(partitions[number], psprintf(EVENT_INDEX_BY_XID, number));
	uint64 xid = begin;
	int64 taken = 0; /* of the transaction */
	HeapTuple row;

	index_range_where(&range, EVENT_XID, BTGreaterEqualStrategyNumber, UInt64GetDatum(begin));
	index_range_where(&range, EVENT_XID, BTLessStrategyNumber, UInt64GetDatum(rows->end));
	index_range_where(&range, EVENT_ID, BTGreaterEqualStrategyNumber, Int64GetDatum(rows->from));
	index_range_where(&range, EVENT_ID, BTLessEqualStrategyNumber, Int64GetDatum(rows->to));
	while (taken < rows->most && (row = index_range_next(&range)) != NULL)
	{
		if (row_xid(row, shape) != xid)
			taken = 0;
		xid = row_xid(row, shape);
		if (visit(argument, row, xid))
			taken++;
	}
	index_range_close(&range);
	return taken < rows->most ? rows->end : xid + 1;
}

void
xid_rows_visit(Relation *partitions, const XidRows *rows, XidRowVisitor visit, void *argument)
{
	int64 first;

	Assert(rows->begin < rows->end && rows->most > 0);
	if (rows->from > rows->to)
		return;
	first = first_id_of_rows(partitions, rows->begin, rows->from, rows->to);
	for (int i = 0; i < EVENT_PARTITIONS; i++)
	{
		visit_by_id(partitions, i, first, rows, visit, argument);
		for (uint64 xid = rows->begin; xid < rows->end;)
			xid = visit_delayed(partitions, i, xid, rows, visit, argument);
	}
}

/* ----- for SQL */

PG_FUNCTION_INFO_V1(herald_first_event_id);

/* herald_internal.first_event_id(xid) returns an id from which on the log has all rows of transactions from "xid" on. */
Datum
herald_first_event_id(PG_FUNCTION_ARGS)
{
	Relation partitions[EVENT_PARTITIONS];
	int64 id;

	xid_rows_open(partitions);
	id = first_id_of_rows(partitions, DatumGetUInt64(PG_GETARG_DATUM(0)), 0, snapshot_top_id());
	xid_rows_close(partitions);
	PG_RETURN_INT64(id);
}

/* The result of herald_internal.events_of(). */
typedef struct EventsOf
{
	Tuplestorestate *out;
	TupleDesc shape;
	TupleDesc row_shape;
} EventsOf;

static bool
put_row(void *argument, HeapTuple row, uint64 xid)
{
	static const AttrNumber columns[] = { EVENT_ID, EVENT_SLOT, EVENT_COUNTER, EVENT_COUNTED_ID, EVENT_DELTA };
	EventsOf *events = argument;
	Datum values[lengthof(columns)];
	bool nulls[lengthof(columns)];

	for (int i = 0; i < lengthof(columns); i++)
		values[i] = heap_getattr(row, columns[i], events->row_shape, &nulls[i]);
	tuplestore_putvalues(events->out, events->shape, values, nulls);
	return true;
}

PG_FUNCTION_INFO_V1(herald_events_of);

/* herald_internal.events_of(xids) returns the rows of transactions, with their partitions and changes of totals. */
Datum
herald_events_of(PG_FUNCTION_ARGS)
{
	Relation partitions[EVENT_PARTITIONS];
	EventsOf events;
	Datum *xids;
	int count;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), XID8OID, sizeof(uint64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &xids, NULL,
					  &count);
	events.out = query_result_begin(fcinfo, &events.shape);
	xid_rows_open(partitions);
	events.row_shape = RelationGetDescr(partitions[0]);
	for (int i = 0; i < count; i++)
	{
		uint64 xid = DatumGetUInt64(xids[i]);
		XidRows rows = { xid, xid + 1, 0, snapshot_top_id(), PG_INT64_MAX };

		xid_rows_visit(partitions, &rows, put_row, &events);
	}
	xid_rows_close(partitions);
	return (Datum) 0;
}

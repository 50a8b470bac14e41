/*-------------------------------------------------------------------------
 *
 * schedule.c
 *	  Records rows of watched tables that the time will change.
 *
 * A row with a time of publication in the future, or one at which it ends, changes for the
 * rules when that time comes, but no statement writes it then.  So the statement that sets the time appends
 * the row to herald_internal.due.  herald.maintain() runs the rules when the row is due
 * (trigger.c), and deletes the record in the same transaction.
 *
 * A record belongs to the watched table whose rule made it, also if the row was written
 * to a partition.  A statement that publishes a row appends it, too, with a time that has
 * come, and so makes its earlier records void.  So does a statement that deletes a row or
 * changes its id, and a TRUNCATE for all rows of a table or a partition
 * (herald_internal.follow_truncate()).  So each row is published once.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "own_table.h"
#include "write/own_insert.h"
#include "write/schedule.h"

/* How long a record says that a row was published. */
#define KEEP_PUBLISHED_MS (60 * 60 * 1000)

enum
{
	SCHEDULED_ID,
	SCHEDULED_AT,
	SCHEDULED_BY
};

/* The columns of herald_internal.due, by their numbers. */
enum
{
	DUE_RELATION,
	DUE_ROW_ID,
	DUE_AT,
	DUE_RUN_AT,
	DUE_PUBLISHED,
	DUE_ID,
	DUE_COLUMNS
};

TupleDesc
schedule_shape(void)
{
	static const QueryColumn columns[] = { { "id", TEXTOID }, { "at", TIMESTAMPTZOID } };
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

TupleDesc
schedule_record_shape(void)
{
	static const QueryColumn columns[] = { { "id", TEXTOID }, { "at", TIMESTAMPTZOID }, { "watched", OIDOID } };
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

void
schedule_collect(Tuplestorestate *rows, Oid watched, Tuplestorestate *records)
{
	TupleTableSlot *row = MakeSingleTupleTableSlot(schedule_shape(), &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(rows, true, false, row))
	{
		Datum values[] = { 0, 0, ObjectIdGetDatum(watched) };
		bool nulls[lengthof(values)] = { 0 };

		slot_getallattrs(row);
		memcpy(values, row->tts_values, sizeof(Datum) * row->tts_tupleDescriptor->natts);
		memcpy(nulls, row->tts_isnull, sizeof(bool) * row->tts_tupleDescriptor->natts);
		if (!nulls[SCHEDULED_ID] && !nulls[SCHEDULED_AT])
			tuplestore_putvalues(records, schedule_record_shape(), values, nulls);
	}
	ExecDropSingleTupleTableSlot(row);
	tuplestore_clear(rows);
}

/*
 * Returns whether records of a row are pending, of any table: a row that is written holds off other transactions, so
 * that they have ended.
 */
static bool
is_pending(OwnScan *records, Datum id)
{
	bool isnull;

	own_scan_seek(records, id);
	while (own_scan_next(records))
	{
		if (!DatumGetBool(own_scan_value(records, DUE_PUBLISHED + 1, &isnull)))
			return true;
	}
	return false;
}

/* Inserts a record.  A time that has come says that the row was published at it. */
static void
insert_due(OwnInsert *insert, Oid ids, Oid relation, Datum id, TimestampTz at)
{
	TupleTableSlot *row = own_insert_next(insert);
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	bool published = at <= now;

	Assert(row->tts_tupleDescriptor->natts == DUE_COLUMNS);
	row->tts_values[DUE_RELATION] = ObjectIdGetDatum(relation);
	row->tts_values[DUE_ROW_ID] = id;
	row->tts_values[DUE_AT] = TimestampTzGetDatum(at);
	row->tts_values[DUE_RUN_AT] =
		TimestampTzGetDatum(published ? TimestampTzPlusMilliseconds(now, KEEP_PUBLISHED_MS) : at);
	row->tts_values[DUE_PUBLISHED] = BoolGetDatum(published);
	row->tts_values[DUE_ID] = Int64GetDatum(nextval_internal(ids, false));
	memset(row->tts_isnull, false, sizeof(bool) * DUE_COLUMNS);
	own_insert_row(insert);
}

void
schedule_write(Tuplestorestate *records)
{
	TupleTableSlot *record;
	OwnInsert insert;
	OwnScan pending;
	Snapshot latest;
	Oid ids;

	Assert(GetUserId() == query_extension_owner());
	if (tuplestore_tuple_count(records) == 0)
		return;
	ids = own_table_oid("herald_internal", "due_id_seq");
	latest = RegisterSnapshot(GetLatestSnapshot());
	pending = own_scan_by_index("herald_internal", "due", "due_row_id_idx", latest);
	insert = own_insert_begin(own_table_oid("herald_internal", "due"), InvalidOid);
	record = MakeSingleTupleTableSlot(schedule_record_shape(), &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(records, true, false, record))
	{
		MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(insert.estate));
		TimestampTz at;

		slot_getallattrs(record);
		at = DatumGetTimestampTz(record->tts_values[SCHEDULED_AT]);
		if (at != DT_NOEND && (at != DT_NOBEGIN || is_pending(&pending, record->tts_values[SCHEDULED_ID])))
			insert_due(&insert, ids, DatumGetObjectId(record->tts_values[SCHEDULED_BY]),
					   record->tts_values[SCHEDULED_ID], at);
		MemoryContextSwitchTo(caller);
	}
	ExecDropSingleTupleTableSlot(record);
	own_insert_end(&insert);
	own_scan_end(&pending);
	UnregisterSnapshot(latest);
}

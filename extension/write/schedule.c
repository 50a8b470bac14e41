/*-------------------------------------------------------------------------
 *
 * schedule.c
 *	  Records rows of watched tables that the time will change.
 *
 * A row with a time of publication in the future changes for the rules when that time
 * comes, but no statement writes it then.  So the statement that sets the time appends
 * the row to herald_internal.due.  herald.maintain() runs the rules when the row is due
 * (trigger.c), and deletes the record in the same transaction.  A statement that
 * publishes a row appends it, too, with a time that has come, and so makes its earlier
 * records void.  So does a statement that deletes a row or changes its id, and a TRUNCATE for
 * all rows (herald_internal.follow_truncate()).  So each row is published once.
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
#include "utils/timestamp.h"

#include "own_table.h"
#include "write/own_insert.h"
#include "write/schedule.h"

/* How long a record says that a row was published. */
#define KEEP_PUBLISHED_MS (60 * 60 * 1000)

enum
{
	SCHEDULED_ID,
	SCHEDULED_AT
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
schedule_write(Oid relation, Tuplestorestate *rows)
{
	TupleTableSlot *scheduled;
	OwnInsert insert;
	Oid ids;

	Assert(GetUserId() == query_extension_owner());
	if (tuplestore_tuple_count(rows) == 0)
		return;
	ids = own_table_oid("herald_internal", "due_id_seq");
	insert = own_insert_begin(own_table_oid("herald_internal", "due"), InvalidOid);
	scheduled = MakeSingleTupleTableSlot(schedule_shape(), &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(rows, true, false, scheduled))
	{
		MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(insert.estate));

		slot_getallattrs(scheduled);
		if (!scheduled->tts_isnull[SCHEDULED_ID] &&
			DatumGetTimestampTz(scheduled->tts_values[SCHEDULED_AT]) != DT_NOEND)
			insert_due(&insert, ids, relation, scheduled->tts_values[SCHEDULED_ID],
					   DatumGetTimestampTz(scheduled->tts_values[SCHEDULED_AT]));
		MemoryContextSwitchTo(caller);
	}
	ExecDropSingleTupleTableSlot(scheduled);
	own_insert_end(&insert);
}

/*-------------------------------------------------------------------------
 *
 * event_log.c
 *	  Appends events to the log; the only way in.
 *
 * A row is stamped with the id of its top transaction by the table's default,
 * and appending rings the doorbell: no caller can forget either.  The transaction
 * has its number before it draws the first id for an event: the reader counts on it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "write/doorbell.h"
#include "write/event_log.h"
#include "query.h"
#include "settings.h"

static SavedQuery append_one = {
	.name = "the insert into the event log",
	.text = "INSERT INTO herald.event (rooms, name, payload, member_id, joins, leaves, ack) "
			"VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
	.nargs = 7,
	.argtypes = { TEXTARRAYOID, TEXTOID, JSONOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID },
};

/* An event without a room or a name is none: a template that met a null. */
static SavedQuery append_all = {
	.name = "the insert into the event log",
	.text = "INSERT INTO herald.event (rooms, name, payload, member_id, joins, leaves, counter, counted_id, delta, ack) "
			"SELECT rooms, name, coalesce(payload, '{}'), member_id, joins, leaves, counter, counted_id, delta, ack "
			"FROM herald_published WHERE cardinality(rooms) > 0 AND name IS NOT NULL",
};

TupleDesc
event_log_shape(void)
{
	static const QueryColumn columns[] = {
		{ "rooms", TEXTARRAYOID },
		{ "name", TEXTOID },
		{ "payload", JSONOID },
		{ "member_id", TEXTOID },
		{ "joins", TEXTOID },
		{ "leaves", TEXTOID },
		{ "counter", INT4OID },
		{ "counted_id", TEXTOID },
		{ "delta", INT2OID },
		{ "ack", TEXTOID },
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

TupleDesc
event_log_news_shape(void)
{
	static const QueryColumn columns[] = {
		{ "user_id", TEXTOID }, { "name", TEXTOID }, { "payload", JSONOID }, { "number", INT8OID }
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

/* An event for the room of a user; one of a null name is for nobody. */
static void
publish_to_user(Tuplestorestate *published, TupleTableSlot *news)
{
	Datum values[10] = { 0 };
	bool nulls[10];
	Datum room = CStringGetTextDatum(psprintf("user:%s", TextDatumGetCString(news->tts_values[0])));

	if (news->tts_isnull[1])
		return;
	memset(nulls, true, sizeof(nulls));
	values[0] = PointerGetDatum(construct_array(&room, 1, TEXTOID, -1, false, TYPALIGN_INT));
	values[1] = news->tts_values[1];
	values[2] = news->tts_values[2];
	nulls[0] = nulls[1] = nulls[2] = false;
	tuplestore_putvalues(published, event_log_shape(), values, nulls);
}

int64
event_log_publish_news(Tuplestorestate *news, Tuplestorestate *published)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(event_log_news_shape(), &TTSOpsMinimalTuple);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "pg_herald news", ALLOCSET_SMALL_SIZES);
	int64 sum = 0;

	while (tuplestore_gettupleslot(news, true, false, slot))
	{
		MemoryContext caller = MemoryContextSwitchTo(row);

		slot_getallattrs(slot);
		publish_to_user(published, slot);
		MemoryContextSwitchTo(caller);
		if (!slot->tts_isnull[3])
			sum += DatumGetInt64(slot->tts_values[3]);
		MemoryContextReset(row);
	}
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(row);
	return sum;
}

void
event_log_append_all(Tuplestorestate *published)
{
	int64 rows = tuplestore_tuple_count(published);

	if (rows == 0)
		return;
	(void) GetTopFullTransactionId();
	query_offer("herald_published", published, event_log_shape(), InvalidOid);
	if (query_run(&append_all, rows, NULL, NULL) > 0)
		doorbell_ring();
}

PG_FUNCTION_INFO_V1(herald_append_event);

/* herald_internal.append_event(rooms, name, payload, member_id, joins, leaves, ack): the id of the event. */
Datum
herald_append_event(PG_FUNCTION_ARGS)
{
	QueryScope scope;
	Datum values[7];
	char nulls[8] = "       ";
	bool isnull;
	Datum id;

	for (int i = 0; i < 7; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	(void) GetTopFullTransactionId();
	query_begin(&scope, query_extension_owner(), false);
	query_run(&append_one, 1, values, nulls);
	id = query_value(0, 1, &isnull);
	doorbell_ring();
	query_end(&scope);
	return id;
}

PG_FUNCTION_INFO_V1(herald_event_slot);

/* herald_internal.event_slot(logged_at): which of the four partitions takes an event of that time. */
Datum
herald_event_slot(PG_FUNCTION_ARGS)
{
	TimestampTz logged_at = PG_GETARG_TIMESTAMPTZ(0);
	int64 slice = (int64) herald_recovery_window * USECS_PER_SEC / 2;

	PG_RETURN_INT16((logged_at / slice) % 4);
}

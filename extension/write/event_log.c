/*-------------------------------------------------------------------------
 *
 * event_log.c
 *	  Appends events to the event log; no other module does.
 *
 * The table's default stamps a row with the id of its top transaction, and every
 * function here rings the doorbell: no caller can forget either.  A transaction
 * gets its id before it draws the first id of an event.  The reader relies on that
 * order (snapshot.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "query.h"
#include "settings.h"
#include "write/doorbell.h"
#include "write/event_log.h"

static SavedQuery append_one = {
	.name = "the insert into the event log",
	.text = "INSERT INTO herald.event (rooms, name, payload, member_id, joins, leaves, ack, recheck_user, recheck_room, access) "
			"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
	.nargs = 10,
	.argtypes = { TEXTARRAYOID, TEXTOID, JSONOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID },
};

/* Skips events without a room or a name: their template met a null.  A recheck needs no room. */
static SavedQuery append_all = {
	.name = "the insert into the event log",
	.text = "INSERT INTO herald.event (rooms, name, payload, member_id, joins, leaves, counter, counted_id, delta, ack,"
			" recheck_user, recheck_room, access) "
			"SELECT rooms, name, coalesce(payload, '{}'), member_id, joins, leaves, counter, counted_id, delta, ack,"
			" recheck_user, recheck_room, access "
			"FROM herald_published WHERE (cardinality(rooms) > 0 OR access IS NOT NULL) AND name IS NOT NULL",
};

TupleDesc
event_log_shape(void)
{
	static const QueryColumn columns[PUBLISHED_COLUMNS] = {
		[PUBLISHED_ROOMS] = { "rooms", TEXTARRAYOID },
		[PUBLISHED_NAME] = { "name", TEXTOID },
		[PUBLISHED_PAYLOAD] = { "payload", JSONOID },
		[PUBLISHED_MEMBER_ID] = { "member_id", TEXTOID },
		[PUBLISHED_JOINS] = { "joins", TEXTOID },
		[PUBLISHED_LEAVES] = { "leaves", TEXTOID },
		[PUBLISHED_COUNTER] = { "counter", INT4OID },
		[PUBLISHED_COUNTED_ID] = { "counted_id", TEXTOID },
		[PUBLISHED_DELTA] = { "delta", INT2OID },
		[PUBLISHED_ACK] = { "ack", TEXTOID },
		[PUBLISHED_RECHECK_USER] = { "recheck_user", TEXTOID },
		[PUBLISHED_RECHECK_ROOM] = { "recheck_room", TEXTOID },
		[PUBLISHED_ACCESS] = { "access", TEXTOID },
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, PUBLISHED_COLUMNS);
}

TupleDesc
event_log_user_event_shape(void)
{
	static const QueryColumn columns[USER_EVENT_COLUMNS] = {
		[USER_EVENT_USER_ID] = { "user_id", TEXTOID },
		[USER_EVENT_NAME] = { "name", TEXTOID },
		[USER_EVENT_PAYLOAD] = { "payload", JSONOID },
		[USER_EVENT_NUMBER] = { "number", INT8OID },
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, USER_EVENT_COLUMNS);
}

/* Adds a user event that has a name to the events to publish. */
static void
publish_to_user(Tuplestorestate *published, TupleTableSlot *user_event)
{
	Datum values[PUBLISHED_COLUMNS] = { 0 };
	bool nulls[PUBLISHED_COLUMNS];
	Datum room;

	if (user_event->tts_isnull[USER_EVENT_NAME])
		return;
	room = CStringGetTextDatum(psprintf("user:%s", TextDatumGetCString(user_event->tts_values[USER_EVENT_USER_ID])));
	memset(nulls, true, sizeof(nulls));
	values[PUBLISHED_ROOMS] = PointerGetDatum(construct_array(&room, 1, TEXTOID, -1, false, TYPALIGN_INT));
	values[PUBLISHED_NAME] = user_event->tts_values[USER_EVENT_NAME];
	values[PUBLISHED_PAYLOAD] = user_event->tts_values[USER_EVENT_PAYLOAD];
	nulls[PUBLISHED_ROOMS] = nulls[PUBLISHED_NAME] = nulls[PUBLISHED_PAYLOAD] = false;
	tuplestore_putvalues(published, event_log_shape(), values, nulls);
}

int64
event_log_publish_to_users(Tuplestorestate *user_events, Tuplestorestate *published)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(event_log_user_event_shape(), &TTSOpsMinimalTuple);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "pg_herald user event", ALLOCSET_SMALL_SIZES);
	int64 sum = 0;

	while (tuplestore_gettupleslot(user_events, true, false, slot))
	{
		MemoryContext caller = MemoryContextSwitchTo(row);

		slot_getallattrs(slot);
		publish_to_user(published, slot);
		MemoryContextSwitchTo(caller);
		if (!slot->tts_isnull[USER_EVENT_NUMBER])
			sum += DatumGetInt64(slot->tts_values[USER_EVENT_NUMBER]);
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

	Assert(GetUserId() == query_extension_owner());
	if (rows == 0)
		return;
	(void) GetTopFullTransactionId();
	query_offer("herald_published", published, event_log_shape(), InvalidOid);
	if (query_run(&append_all, rows, NULL, NULL) > 0)
		doorbell_ring();
}

PG_FUNCTION_INFO_V1(herald_append_event);

/*
 * herald_internal.append_event(rooms, name, payload, member_id, joins, leaves, ack,
 * recheck_user, recheck_room, access) appends an event and returns its id.
 */
Datum
herald_append_event(PG_FUNCTION_ARGS)
{
	QueryScope scope;
	Datum values[QUERY_MAX_ARGS];
	char nulls[QUERY_MAX_ARGS + 1] = { 0 };
	bool isnull;
	Datum id;

	Assert(PG_NARGS() == append_one.nargs);
	for (int i = 0; i < append_one.nargs; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	(void) GetTopFullTransactionId();
	query_begin(&scope);
	query_run(&append_one, 1, values, nulls);
	id = query_value(0, 1, &isnull);
	doorbell_ring();
	query_end(&scope);
	return id;
}

PG_FUNCTION_INFO_V1(herald_event_slot);

/*
 * herald_internal.event_slot(logged_at) returns which of the four partitions of
 * the event log takes an event of that time.
 */
Datum
herald_event_slot(PG_FUNCTION_ARGS)
{
	TimestampTz logged_at = PG_GETARG_TIMESTAMPTZ(0);
	int64 slice = (int64) herald_recovery_window * USECS_PER_SEC / 2;

	Assert(slice > 0);
	PG_RETURN_INT16((logged_at / slice) % 4);
}

/*-------------------------------------------------------------------------
 *
 * event_log.c
 *	  Appends events to the event log; no other module does.
 *
 * A row is stamped with the id of its top transaction, and every function here rings
 * the doorbell: no caller can forget either.  A transaction
 * gets its id before it draws the first id of an event.  The reader relies on that
 * order (snapshot.c, xid_rows.c).
 *
 * An event that changes a kept total has an entry in the index of subjects.
 *
 * A new notification needs no row of its own.  Another event of the statement has one, and
 * the announcement is a reference in it, from which the reader makes the event.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "compat.h"
#include "event_columns.h"
#include "own_table.h"
#include "query.h"
#include "settings.h"
#include "write/doorbell.h"
#include "write/event_keys.h"
#include "write/event_log.h"
#include "write/kept_total.h"
#include "write/own_insert.h"

/* The column of each column of an event to publish; 0: the payload. */
static const AttrNumber published_columns[PUBLISHED_COLUMNS] = {
	[PUBLISHED_ROOMS] = EVENT_ROOMS,
	[PUBLISHED_NAME] = EVENT_NAME,
	[PUBLISHED_MEMBER_ID] = EVENT_MEMBER_ID,
	[PUBLISHED_JOINS] = EVENT_JOINS,
	[PUBLISHED_LEAVES] = EVENT_LEAVES,
	[PUBLISHED_COUNTER] = EVENT_COUNTER,
	[PUBLISHED_COUNTED_ID] = EVENT_COUNTED_ID,
	[PUBLISHED_DELTA] = EVENT_DELTA,
	[PUBLISHED_ACK] = EVENT_ACK,
	[PUBLISHED_RECHECK_USER] = EVENT_RECHECK_USER,
	[PUBLISHED_RECHECK_ROOM] = EVENT_RECHECK_ROOM,
	[PUBLISHED_ACCESS] = EVENT_ACCESS,
};

/* Events are written at one time into one partition. */
typedef struct EventInsert
{
	OwnInsert rows;
	Oid ids; /* the sequence */
	int16 slot;
	TimestampTz logged_at;
	KeptTotals totals;
} EventInsert;

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
event_log_announced_shape(void)
{
	static const QueryColumn columns[ANNOUNCED_COLUMNS] = {
		[ANNOUNCED_RECIPIENT_ID] = { "recipient_id", TEXTOID },
		[ANNOUNCED_ID] = { "id", INT8OID },
	};
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, ANNOUNCED_COLUMNS);
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

/* Returns the name of a user's room. */
static Datum
room_of_user(const text *user_id)
{
	const char prefix[] = { 'u', 's', 'e', 'r', ':' };
	size_t length = VARSIZE_ANY_EXHDR(user_id);
	text *room = palloc(VARHDRSZ + sizeof(prefix) + length);

	SET_VARSIZE(room, VARHDRSZ + sizeof(prefix) + length);
	memcpy(VARDATA(room), prefix, sizeof(prefix));
	memcpy(VARDATA(room) + sizeof(prefix), VARDATA_ANY(user_id), length);
	return PointerGetDatum(room);
}

void
event_log_publish_to_user(Tuplestorestate *published, Datum user_id, Datum name, Datum payload)
{
	Datum values[PUBLISHED_COLUMNS] = { 0 };
	bool nulls[PUBLISHED_COLUMNS];
	Datum room = room_of_user(DatumGetTextPP(user_id));

	memset(nulls, true, sizeof(nulls));
	values[PUBLISHED_ROOMS] = PointerGetDatum(construct_array(&room, 1, TEXTOID, -1, false, TYPALIGN_INT));
	values[PUBLISHED_NAME] = name;
	values[PUBLISHED_PAYLOAD] = payload;
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
		if (!slot->tts_isnull[USER_EVENT_NAME])
			event_log_publish_to_user(published, slot->tts_values[USER_EVENT_USER_ID],
									  slot->tts_values[USER_EVENT_NAME], slot->tts_values[USER_EVENT_PAYLOAD]);
		MemoryContextSwitchTo(caller);
		if (!slot->tts_isnull[USER_EVENT_NUMBER])
			sum += DatumGetInt64(slot->tts_values[USER_EVENT_NUMBER]);
		MemoryContextReset(row);
	}
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(row);
	return sum;
}

/* Returns the number of the partition for events of that time. */
static int16
slot_at(TimestampTz logged_at)
{
	int64 slice = (int64) herald_recovery_window * USECS_PER_SEC / 2;

	Assert(slice > 0);
	return (logged_at / slice) % EVENT_PARTITIONS;
}

static EventInsert
insert_events(void)
{
	EventInsert insert = { 0 };

	Assert(GetUserId() == query_extension_owner());
	insert.totals.memory = CurrentMemoryContext;
	insert.logged_at = GetCurrentTimestamp();
	insert.slot = slot_at(insert.logged_at);
	insert.ids = own_table_oid("herald", "event_id_seq");
	insert.rows = own_insert_begin(own_table_oid("herald_internal", psprintf(EVENT_PARTITION, insert.slot)), InvalidOid);
	Assert(RelationGetDescr(insert.rows.relation)->natts >= EVENT_ACCESS);
	return insert;
}

static void
end_insert(EventInsert *insert)
{
	kept_totals_end(&insert->totals);
	own_insert_end(&insert->rows);
}

static void
set_event_column(TupleTableSlot *row, AttrNumber column, Datum value)
{
	row->tts_values[column - 1] = value;
	row->tts_isnull[column - 1] = false;
}

/* Begins a row, with all that does not depend on its event. */
static TupleTableSlot *
begin_row(EventInsert *insert)
{
	TupleTableSlot *row = own_insert_next(&insert->rows);
	FullTransactionId xid = GetTopFullTransactionId(); /* before the id is drawn */
	FullTransactionId next;
	uint64 begun;

	set_event_column(row, EVENT_ID, Int64GetDatum(nextval_internal(insert->ids, false)));
	set_event_column(row, EVENT_XID, FullTransactionIdGetDatum(xid));
	next = ReadNextFullTransactionId(); /* after the id is drawn */
	begun = U64FromFullTransactionId(next) - U64FromFullTransactionId(xid) - 1;
	if (begun > EVENT_NEAR_XIDS)
		set_event_column(row, EVENT_NEXT_XID, FullTransactionIdGetDatum(next));
	else if (begun > 0)
		set_event_column(row, EVENT_BEGUN, CharGetDatum(begun));
	set_event_column(row, EVENT_LOGGED_AT, TimestampTzGetDatum(insert->logged_at));
	set_event_column(row, EVENT_SLOT, Int16GetDatum(insert->slot));
	return row;
}

static bool
is_json_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Returns JSON without white space between its tokens. */
static Datum
compact_json(Datum json)
{
	const text *source = DatumGetTextPP(json);
	const char *at = VARDATA_ANY(source);
	const char *end = at + VARSIZE_ANY_EXHDR(source);
	text *compact = palloc(VARHDRSZ + (end - at));
	char *to = VARDATA(compact);
	bool quoted = false;

	for (; at < end; at++)
	{
		if (!quoted && is_json_space(*at))
			continue;
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\')
			*to++ = *at++;
		*to++ = *at;
	}
	Assert(!quoted && at == end);
	SET_VARSIZE(compact, to - (char *) compact);
	return PointerGetDatum(compact);
}

/* Sets the event of a row, with columns as in event_log_shape(). */
static void
set_event(EventInsert *insert, TupleTableSlot *row, const Datum *published, const bool *nulls)
{
	for (int i = 0; i < PUBLISHED_COLUMNS; i++)
	{
		if (published_columns[i] != 0 && !nulls[i])
			set_event_column(row, published_columns[i], published[i]);
	}
	set_event_column(row, EVENT_PAYLOAD,
					 nulls[PUBLISHED_PAYLOAD] ? CStringGetTextDatum("{}") : compact_json(published[PUBLISHED_PAYLOAD]));
	if (!nulls[PUBLISHED_COUNTER] && !nulls[PUBLISHED_COUNTED_ID] &&
		kept_totals_have(&insert->totals, published[PUBLISHED_COUNTER], published[PUBLISHED_COUNTED_ID]))
		set_event_column(row, EVENT_KEPT, BoolGetDatum(true));
}

/* Inserts an event and returns its id. */
static int64
insert_event(EventInsert *insert, const Datum *published, const bool *nulls)
{
	TupleTableSlot *row = begin_row(insert);
	int64 id = DatumGetInt64(row->tts_values[EVENT_ID - 1]);

	set_event(insert, row, published, nulls);
	own_insert_row(&insert->rows);
	return id;
}

/* Returns whether an event has a name and a room.  Its template met a null otherwise.  A recheck needs no room. */
static bool
is_complete(TupleTableSlot *event)
{
	ArrayType *rooms;

	if (event->tts_isnull[PUBLISHED_NAME] || event->tts_isnull[PUBLISHED_ROOMS])
		return false;
	rooms = DatumGetArrayTypeP(event->tts_values[PUBLISHED_ROOMS]);
	return ArrayGetNItems(ARR_NDIM(rooms), ARR_DIMS(rooms)) > 0 || !event->tts_isnull[PUBLISHED_ACCESS];
}

/* Fetches the next event that is complete.  Returns whether there is one. */
static bool
next_event(Tuplestorestate *published, TupleTableSlot *event)
{
	while (tuplestore_gettupleslot(published, true, false, event))
	{
		slot_getallattrs(event);
		event_keys_shorten(event->tts_values, event->tts_isnull);
		if (is_complete(event))
			return true;
	}
	return false;
}

/* Fetches the next notification to announce.  Returns whether there is one. */
static bool
next_announced(Tuplestorestate *announced, TupleTableSlot *notification)
{
	if (announced == NULL || !tuplestore_gettupleslot(announced, true, false, notification))
		return false;
	slot_getallattrs(notification);
	return true;
}

/* Inserts a row with an event, an announcement, or both. */
static void
insert_row(EventInsert *insert, const TupleTableSlot *event, const TupleTableSlot *notification)
{
	TupleTableSlot *row = begin_row(insert);

	if (!TTS_EMPTY(event))
		set_event(insert, row, event->tts_values, event->tts_isnull);
	if (!TTS_EMPTY(notification))
	{
		set_event_column(row, EVENT_RECIPIENT_ID, notification->tts_values[ANNOUNCED_RECIPIENT_ID]);
		set_event_column(row, EVENT_NOTIFICATION_ID, notification->tts_values[ANNOUNCED_ID]);
	}
	own_insert_row(&insert->rows);
}

void
event_log_append_all(Tuplestorestate *published, Tuplestorestate *announced)
{
	TupleTableSlot *event;
	TupleTableSlot *notification;
	EventInsert insert;

	if (tuplestore_tuple_count(published) == 0 && (announced == NULL || tuplestore_tuple_count(announced) == 0))
		return;
	insert = insert_events();
	event = MakeSingleTupleTableSlot(event_log_shape(), &TTSOpsMinimalTuple);
	notification = MakeSingleTupleTableSlot(event_log_announced_shape(), &TTSOpsMinimalTuple);
	tuplestore_rescan(published);
	if (announced != NULL)
		tuplestore_rescan(announced);
	/* Both are fetched, hence no "||". */
	while (next_event(published, event) | next_announced(announced, notification))
	{
		MemoryContext caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(insert.rows.estate));

		insert_row(&insert, event, notification);
		doorbell_ring();
		MemoryContextSwitchTo(caller);
	}
	ExecDropSingleTupleTableSlot(event);
	ExecDropSingleTupleTableSlot(notification);
	end_insert(&insert);
}

PG_FUNCTION_INFO_V1(herald_append_event);

/*
 * herald_internal.append_event(rooms, name, payload, member_id, joins, leaves, ack,
 * recheck_user, recheck_room, access) appends an event and returns its id.
 */
Datum
herald_append_event(PG_FUNCTION_ARGS)
{
	static const PublishedColumn columns[] = {
		PUBLISHED_ROOMS,
		PUBLISHED_NAME,
		PUBLISHED_PAYLOAD,
		PUBLISHED_MEMBER_ID,
		PUBLISHED_JOINS,
		PUBLISHED_LEAVES,
		PUBLISHED_ACK,
		PUBLISHED_RECHECK_USER,
		PUBLISHED_RECHECK_ROOM,
		PUBLISHED_ACCESS,
	};
	Datum values[PUBLISHED_COLUMNS] = { 0 };
	bool nulls[PUBLISHED_COLUMNS];
	EventInsert insert;
	QueryScope scope;
	int64 id;

	Assert(PG_NARGS() == lengthof(columns));
	memset(nulls, true, sizeof(nulls));
	for (int i = 0; i < lengthof(columns); i++)
	{
		values[columns[i]] = PG_GETARG_DATUM(i);
		nulls[columns[i]] = PG_ARGISNULL(i);
	}
	if (nulls[PUBLISHED_ROOMS] || nulls[PUBLISHED_NAME])
		ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION), errmsg("an event needs rooms and a name")));
	query_begin(&scope);
	event_keys_shorten(values, nulls);
	insert = insert_events();
	id = insert_event(&insert, values, nulls);
	end_insert(&insert);
	doorbell_ring();
	query_end(&scope);
	PG_RETURN_INT64(id);
}

PG_FUNCTION_INFO_V1(herald_event_slot);

/*
 * herald_internal.event_slot(logged_at) returns which of the four partitions of
 * the event log takes an event of that time.
 */
Datum
herald_event_slot(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT16(slot_at(PG_GETARG_TIMESTAMPTZ(0)));
}

/*-------------------------------------------------------------------------
 *
 * event_reader.c
 *	  Reads the event log from a position.
 *
 * Transactions do not commit in the order of the ids that their events draw.  A
 * reader that remembered the last id would miss an event with a lower id of a
 * slower transaction.  So a position is a snapshot.
 *
 * 1. An event carries the id of its top transaction.  S0 is the snapshot of the
 *	  position, S1 the reader's own.  The window (S0, S1) holds the events of
 *	  transactions that are visible in S1 and not in S0: those at or above S0's
 *	  xmax, and those in progress in S0.  The reader gets each committed event once,
 *	  and no transaction waits for another.
 *
 * 2. Within a window events come in the order of their ids.  That respects
 *	  causality: a transaction that saw an event before it wrote its own drew a
 *	  higher id.
 *
 * 3. A page that does not hold the whole window ends at a position in its middle
 *	  (S0, S1, last id).  The next page reads the same window.
 *
 * 4. The cost of a page depends on its own events, not on the length of the window.
 *	  A snapshot comes with a top, above which it sees no event.  Above the top of
 *	  S0 all events are new, and the reader finds them by their ids, in order.  Up
 *	  to the top, new events belong to transactions in progress in S0, or to those
 *	  between its xmax and its "next".  Transactions from "next" on draw higher ids.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "compat.h"
#include "query.h"
#include "read/durable_lsn.h"
#include "read/event_page.h"
#include "read/resume.h"
#include "read/signal_reader.h"
#include "read/unread_count.h"

/* Columns of herald.read_events(). */
enum
{
	READ_ID = 1,
	READ_ROOMS,
	READ_NAME,
	READ_PAYLOAD,
	READ_POSITION,
	READ_MEMBER,
	READ_JOINS,
	READ_LEAVES,
	READ_ACK,
	READ_XID,
	READ_LOGGED_MS,
	READ_MORE,
	READ_LAG_EVENTS,
	READ_KEY,
	READ_EXCEPT,
	READ_RECHECK_USER,
	READ_RECHECK_ROOM,
	READ_ACCESS,
	READ_SIGNAL,
	READ_COLUMNS = READ_SIGNAL
};

/* The column of the event log that a column of herald.read_events() returns; 0: another value. */
static const AttrNumber read_columns[READ_COLUMNS + 1] = {
	[READ_ID] = EVENT_ID,
	[READ_ROOMS] = EVENT_ROOMS,
	[READ_NAME] = EVENT_NAME,
	[READ_PAYLOAD] = EVENT_PAYLOAD,
	[READ_MEMBER] = EVENT_MEMBER_ID,
	[READ_JOINS] = EVENT_JOINS,
	[READ_LEAVES] = EVENT_LEAVES,
	[READ_ACK] = EVENT_ACK,
	[READ_XID] = EVENT_XID,
	[READ_RECHECK_USER] = EVENT_RECHECK_USER,
	[READ_RECHECK_ROOM] = EVENT_RECHECK_ROOM,
	[READ_ACCESS] = EVENT_ACCESS,
};

/* An unread count that the page changes. */
typedef struct UnreadChange
{
	char *room; /* of the user */
	uint64 xid; /* the transaction that changes it */
} UnreadChange;

#define USER_ROOM "user:"

/* One call of herald.read_events(). */
typedef struct EventReading
{
	QueryScope scope;
	Tuplestorestate *out;
	TupleDesc shape;
	Position position; /* after the last row of the page so far */
	Datum end;		   /* its text after the page */
	LogSnapshot until;
	uint64 durable_lsn; /* all commits that are visible in "until" lie before it in the WAL */
	PageRequest page;
	List *unread; /* UnreadChange: those of the page */
	bool signals; /* the last page of a window has the window's signals */
} EventReading;

static void
reading_put(EventReading *reading, Datum *values, bool *nulls)
{
	tuplestore_putvalues(reading->out, reading->shape, values, nulls);
}

static int64
milliseconds(TimestampTz time)
{
	const int64 epoch = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

	return (time + epoch + 500) / 1000;
}

static bool
changes_unread(Datum name)
{
	const char prefix[] = "notification:";
	text *given = DatumGetTextPP(name);

	return VARSIZE_ANY_EXHDR(given) >= strlen(prefix) && memcmp(VARDATA_ANY(given), prefix, strlen(prefix)) == 0;
}

/* Notes that an event changes the unread count of a user: the user's room is its first one. */
static void
note_unread_change(EventReading *reading, Datum rooms, Datum xid)
{
	UnreadChange *change;
	Datum *elements;
	int count;

	deconstruct_array(DatumGetArrayTypeP(rooms), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	if (count == 0 || strncmp(TextDatumGetCString(elements[0]), USER_ROOM, strlen(USER_ROOM)) != 0)
		return;
	change = palloc(sizeof(UnreadChange));
	change->room = TextDatumGetCString(elements[0]);
	change->xid = DatumGetUInt64(xid);
	reading->unread = lappend(reading->unread, change);
}

static void
put_event(EventReading *reading, const PageEvent *event, Datum position)
{
	Datum values[READ_COLUMNS] = { 0 };
	bool nulls[READ_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	for (int column = 1; column <= READ_COLUMNS; column++)
	{
		if (read_columns[column] == 0)
			continue;
		values[column - 1] = event->values[read_columns[column] - 1];
		nulls[column - 1] = event->nulls[read_columns[column] - 1];
	}
	values[READ_POSITION - 1] = position;
	values[READ_LOGGED_MS - 1] = Int64GetDatum(milliseconds(DatumGetTimestampTz(event->values[EVENT_LOGGED_AT - 1])));
	nulls[READ_POSITION - 1] = nulls[READ_LOGGED_MS - 1] = false;
	if (changes_unread(values[READ_NAME - 1]))
		note_unread_change(reading, values[READ_ROOMS - 1], values[READ_XID - 1]);
	reading_put(reading, values, nulls);
}

/* Adds the events of the page to the result, each with the position after it. */
static void
put_events(EventReading *reading, const List *events)
{
	PositionText text;
	ListCell *cell;

	position_text_begin(&text, &reading->position);
	foreach (cell, events)
	{
		const PageEvent *event = lfirst(cell);

		put_event(reading, event, position_text_at(&text, DatumGetInt64(event->values[EVENT_ID - 1])));
	}
}

/* By room, the last transaction first. */
static int
compare_changes(const ListCell *a, const ListCell *b)
{
	const UnreadChange *left = lfirst(a);
	const UnreadChange *right = lfirst(b);
	int order = strcmp(left->room, right->room);

	return order != 0 ? order : (left->xid < right->xid) - (left->xid > right->xid);
}

static void
put_unread_count(EventReading *reading, const UnreadChange *change)
{
	int64 count = unread_badge(CStringGetTextDatum(change->room + strlen(USER_ROOM)));
	Datum values[READ_COLUMNS] = { 0 };
	bool nulls[READ_COLUMNS];
	Datum room = CStringGetTextDatum(change->room);

	memset(nulls, true, sizeof(nulls));
	values[READ_ROOMS - 1] = PointerGetDatum(construct_array(&room, 1, TEXTOID, -1, false, TYPALIGN_INT));
	values[READ_NAME - 1] = CStringGetTextDatum("notification:unread");
	values[READ_PAYLOAD - 1] = CStringGetTextDatum(psprintf("{\"count\":" INT64_FORMAT "}", count));
	values[READ_POSITION - 1] = reading->end;
	values[READ_XID - 1] = UInt64GetDatum(change->xid);
	nulls[READ_ROOMS - 1] = nulls[READ_NAME - 1] = nulls[READ_PAYLOAD - 1] = false;
	nulls[READ_POSITION - 1] = nulls[READ_XID - 1] = false;
	reading_put(reading, values, nulls);
}

/* Adds the unread counts that the page changes, one for each user.  The reader counts, so that no writer has to. */
static void
put_unread_counts(EventReading *reading)
{
	const char *latest = NULL;
	ListCell *cell;

	list_sort(reading->unread, compare_changes);
	foreach (cell, reading->unread)
	{
		const UnreadChange *change = lfirst(cell);

		if (latest == NULL || strcmp(latest, change->room) != 0)
			put_unread_count(reading, change);
		latest = change->room;
	}
}

static void
put_signal(EventReading *reading, const SignalRow *signal)
{
	static const int columns[][2] = { { READ_ROOMS, SIGNAL_ROOMS },
									  { READ_NAME, SIGNAL_NAME },
									  { READ_PAYLOAD, SIGNAL_PAYLOAD },
									  { READ_XID, SIGNAL_XID },
									  { READ_KEY, SIGNAL_KEY },
									  { READ_EXCEPT, SIGNAL_EXCEPT_USER } };
	Datum values[READ_COLUMNS] = { 0 };
	bool nulls[READ_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	for (int i = 0; i < (int) lengthof(columns); i++)
	{
		values[columns[i][0] - 1] = signal->values[columns[i][1] - 1];
		nulls[columns[i][0] - 1] = signal->nulls[columns[i][1] - 1];
	}
	values[READ_POSITION - 1] = reading->end;
	values[READ_SIGNAL - 1] = BoolGetDatum(true);
	nulls[READ_POSITION - 1] = nulls[READ_SIGNAL - 1] = false;
	reading_put(reading, values, nulls);
}

/* Adds the signals of the window from "seen" to the position, which is its end. */
static void
put_signals(EventReading *reading, const LogSnapshot *seen)
{
	ListCell *cell;

	foreach (cell, signal_reader_read(seen, &reading->position.seen))
		put_signal(reading, lfirst(cell));
}

/*
 * Returns about how many events follow the position: some ids are unused, some belong to
 * transactions in progress, and some rows have two events.
 */
static int64
lag_events(const EventReading *reading)
{
	return event_rows_between(position_reach(&reading->position), reading->until.top);
}

/* Adds the last row: the position to go on from, and whether more events wait. */
static void
put_end(EventReading *reading, bool more)
{
	Datum values[READ_COLUMNS] = { 0 };
	bool nulls[READ_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	nulls[READ_POSITION - 1] = nulls[READ_MORE - 1] = nulls[READ_LAG_EVENTS - 1] = false;
	values[READ_POSITION - 1] = reading->end;
	values[READ_MORE - 1] = BoolGetDatum(more);
	values[READ_LAG_EVENTS - 1] = Int64GetDatum(more ? lag_events(reading) : 0);
	reading_put(reading, values, nulls);
}

/* Begins the window from the position to "until". */
static void
begin_window(EventReading *reading)
{
	Position *position = &reading->position;

	Assert(!position->partial && position->last_id == -1);
	position->window_end = reading->until;
	position->partial = true;
	position->durable_lsn = Max(position->durable_lsn, reading->durable_lsn);
}

/* Ends the window: the reader has seen all that it holds. */
static void
end_window(EventReading *reading)
{
	Position *position = &reading->position;

	Assert(position->partial);
	position->seen = position->window_end;
	position->partial = false;
	position->last_id = -1;
	position_simplify(position);
}

/*
 * Returns whether the log cannot have an event of the window: each of the index ranges
 * of a window scan is empty.
 */
static bool
window_is_empty(const Position *position)
{
	const LogSnapshot *seen = &position->seen;
	bool no_new_ids = position->window_end.top <= Max(position->last_id, seen->top);
	bool no_old_ids = position->last_id >= seen->top;
	bool none_in_between = seen->count == 0 && Min(position->window_end.xmax, seen->next) <= seen->xmax;

	return no_new_ids && (no_old_ids || none_in_between);
}

/*
 * Reads one page: the next rows of the window that the position is in the middle
 * of, or of the window that begins at the position.
 */
static void
read_page(EventReading *reading)
{
	LogSnapshot seen = reading->position.seen;
	bool more = reading->position.partial;
	List *events = NIL;
	bool full;

	Assert(reading->page.max_events > 0 && reading->page.max_bytes > 0);
	if (!reading->position.partial)
		begin_window(reading);
	full = !window_is_empty(&reading->position) &&
		   event_page_read(&reading->scope, &reading->position, &reading->page, &events);
	put_events(reading, events);
	if (!full)
		end_window(reading);
	reading->end = CStringGetTextDatum(position_text(&reading->position));
	put_unread_counts(reading);
	if (!full && reading->signals)
		put_signals(reading, &seen);
	put_end(reading, full || more);
}

PG_FUNCTION_INFO_V1(herald_read_events);

/* herald.read_events(after, until, rooms, max_events, max_bytes, signals) returns a page of events: see docs/sql.md. */
Datum
herald_read_events(PG_FUNCTION_ARGS)
{
	EventReading reading = { 0 };
	LogSnapshot seen;
	Position until;

	reading.page.max_events = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	reading.page.max_bytes = PG_ARGISNULL(4) ? INT_MAX : PG_GETARG_INT32(4);
	reading.page.rooms = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2);
	reading.signals = !PG_ARGISNULL(5) && PG_GETARG_BOOL(5);
	if (PG_ARGISNULL(0) || reading.page.max_events < 1 || reading.page.max_bytes < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("herald.read_events() needs a position and positive numbers of events and bytes")));
	reading.out = query_result_begin(fcinfo, &reading.shape);
	query_begin(&reading.scope);
	reading.until = snapshot_current();
	reading.durable_lsn = durable_lsn();
	reading.position = resume_at(PG_GETARG_DATUM(0));
	if (!PG_ARGISNULL(1))
	{
		until = resume_at(PG_GETARG_DATUM(1));
		reading.until = until.seen;
		reading.durable_lsn = until.durable_lsn;
	}
	seen = reading.position.seen;
	read_page(&reading);
	/* Check after reading: from then on our locks keep retention from emptying a partition unnoticed. */
	resume_check_age(&seen);
	query_end(&reading.scope);
	return (Datum) 0;
}

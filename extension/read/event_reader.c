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

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "query.h"
#include "read/durable_lsn.h"
#include "read/resume.h"
#include "read/signal_reader.h"

/* Columns of herald.read_events(). */
enum
{
	EVENT_ID = 1,
	EVENT_ROOMS,
	EVENT_NAME,
	EVENT_PAYLOAD,
	EVENT_POSITION,
	EVENT_MEMBER,
	EVENT_JOINS,
	EVENT_LEAVES,
	EVENT_ACK,
	EVENT_XID,
	EVENT_LOGGED_MS,
	EVENT_MORE,
	EVENT_LAG_EVENTS,
	EVENT_KEY,
	EVENT_EXCEPT,
	EVENT_RECHECK_USER,
	EVENT_RECHECK_ROOM,
	EVENT_ACCESS,
	EVENT_COLUMNS = EVENT_ACCESS,
	ROW_WANTED, /* the row belongs to the result; others only move the position */
	ROW_FULL,	/* more rows of the window follow after the page */
	ROW_COLUMNS = ROW_FULL
};

/* Parameters of the window query, from 0. */
enum
{
	WINDOW_SEEN_XMAX,
	WINDOW_SEEN_IN_PROGRESS,
	WINDOW_BEGUN_LIMIT,
	WINDOW_SNAPSHOT,
	WINDOW_LAST_ID,
	WINDOW_ROOMS,
	WINDOW_MAX_EVENTS,
	WINDOW_ALSO_SEEN,
	WINDOW_ALSO_SEEN_IDS,
	WINDOW_SEEN,
	WINDOW_SEEN_TOP,
	WINDOW_TOP,
	WINDOW_MAX_BYTES,
	WINDOW_PARAMETERS
};

/*
 * Returns the next rows of a window in the order of their ids, until the wanted
 * payloads reach the size of a page, and whether each row is wanted.  The three
 * arms of the UNION are index ranges: a single OR can be a hundred times slower.
 */
static SavedQuery read_window = {
	.name = "the query on the event log",
	.text = "WITH next AS MATERIALIZED ("
			" SELECT e.* FROM ("
			"  (SELECT * FROM herald.event WHERE id > greatest($5, $11) AND id <= $12 ORDER BY id LIMIT $7)"
			"  UNION ALL"
			"  SELECT * FROM herald.event WHERE $5 < $11 AND xid >= $1 AND xid < $3 AND id > $5 AND id <= $11"
			"  UNION ALL"
			"  SELECT r.* FROM unnest($2) AS x CROSS JOIN LATERAL ("
			"   SELECT * FROM herald.event WHERE $5 < $11 AND xid >= x AND xid <= x AND id > $5 AND id <= $11 ORDER BY xid, id LIMIT $7) AS r"
			"  WHERE pg_visible_in_snapshot(x, $4)) AS e"
			" ORDER BY e.id LIMIT $7),"
			" judged AS ("
			" SELECT *, pg_visible_in_snapshot(xid, $4) AND NOT pg_visible_in_snapshot(xid, $10)"
			" AND ($6 IS NULL OR rooms && ('{*}' || $6))"
			" AND (cardinality($9) = 0 OR NOT EXISTS (SELECT FROM unnest($8, $9) AS s (seen, id)"
			" WHERE next.id <= s.id AND pg_visible_in_snapshot(next.xid, s.seen))) AS wanted FROM next),"
			" page AS MATERIALIZED (SELECT * FROM ("
			" SELECT *, sum(herald_internal.payload_size(payload)) FILTER (WHERE wanted) OVER"
			" (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM judged) AS j"
			" WHERE coalesce(before, 0) < $13),"
			" totals AS MATERIALIZED ("
			" SELECT c.id AS counter, k.counted_id,"
			" ',\"' || c.field || '\":' || herald_internal.total_of(c.id, k.counted_id) || '}' AS suffix"
			" FROM (SELECT DISTINCT counter, counted_id FROM page WHERE wanted AND counter IS NOT NULL) AS k"
			" JOIN herald_internal.counter AS c ON c.id = k.counter)"
			" SELECT p.id, p.rooms, p.name,"
			" CASE WHEN t.suffix IS NULL THEN p.payload::text"
			" ELSE regexp_replace(left(rtrim(p.payload::text), -1) || t.suffix, '^(\\s*\\{)\\s*,', '\\1') END,"
			" NULL::text, p.member_id, p.joins, p.leaves, p.ack, p.xid,"
			" (extract(epoch FROM p.logged_at) * 1000)::bigint, NULL::boolean, NULL::bigint, NULL::text, NULL::text,"
			" p.recheck_user, p.recheck_room, p.access, p.wanted,"
			" (SELECT n.count = $7 OR n.count > (SELECT count(*) FROM page) FROM (SELECT count(*) FROM next) AS n)"
			" FROM page AS p LEFT JOIN totals AS t ON t.counter = p.counter AND t.counted_id = p.counted_id"
			" ORDER BY p.id",
	.nargs = WINDOW_PARAMETERS,
	.argtypes = { XID8OID, XID8ARRAYOID, XID8OID, PG_SNAPSHOTOID, INT8OID, TEXTARRAYOID, INT4OID, PG_SNAPSHOTARRAYOID,
				  INT8ARRAYOID, PG_SNAPSHOTOID, INT8OID, INT8OID, INT4OID },
	.read_only = true,
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* One call of herald.read_events(). */
typedef struct EventReading
{
	Tuplestorestate *out;
	TupleDesc shape;
	Position position; /* after the last row of the page so far */
	LogSnapshot until;
	uint64 durable_lsn;			   /* all commits that are visible in "until" lie before it in the WAL */
	ArrayBuildState *unread_rooms; /* the rooms of users with an unread count that the page changes ... */
	ArrayBuildState *unread_xids;  /* ... and the transactions that change them */
	bool signals;				   /* the last page of a window has the window's signals */
	int max_events;
	int max_bytes; /* of payload; the page ends with the event that reaches it */
} EventReading;

static void
reading_put(EventReading *reading, Datum *values, bool *nulls)
{
	tuplestore_putvalues(reading->out, reading->shape, values, nulls);
}

static bool
changes_unread(const char *name)
{
	return strncmp(name, "notification:", strlen("notification:")) == 0;
}

/* Notes that an event changes the unread count of a user: the user's room is its first one. */
static void
note_unread_change(EventReading *reading, Datum rooms, Datum xid)
{
	Datum *elements;
	int count;

	deconstruct_array(DatumGetArrayTypeP(rooms), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	if (count == 0)
		return;
	reading->unread_rooms = accumArrayResult(reading->unread_rooms, elements[0], false, TEXTOID, CurrentMemoryContext);
	reading->unread_xids = accumArrayResult(reading->unread_xids, xid, false, XID8OID, CurrentMemoryContext);
}

/* Adds a wanted row to the result, with the position after it. */
static void
put_event(EventReading *reading, Datum *values, bool *nulls)
{
	values[EVENT_POSITION - 1] = CStringGetTextDatum(position_text(&reading->position));
	nulls[EVENT_POSITION - 1] = false;
	if (changes_unread(TextDatumGetCString(values[EVENT_NAME - 1])))
		note_unread_change(reading, values[EVENT_ROOMS - 1], values[EVENT_XID - 1]);
	reading_put(reading, values, nulls);
}

/* Adds the wanted rows of the window query to the result; returns whether more follow. */
static bool
put_page(EventReading *reading, uint64 rows)
{
	Datum values[ROW_COLUMNS];
	bool nulls[ROW_COLUMNS];
	bool full = false;

	for (uint64 row = 0; row < rows; row++)
	{
		for (int column = 0; column < ROW_COLUMNS; column++)
			values[column] = query_value(row, column + 1, &nulls[column]);
		reading->position.last_id = DatumGetInt64(values[EVENT_ID - 1]);
		full = DatumGetBool(values[ROW_FULL - 1]);
		if (DatumGetBool(values[ROW_WANTED - 1]))
			put_event(reading, values, nulls);
	}
	return full;
}

static SavedQuery count_unread = {
	.name = "the unread counts",
	.text = "SELECT ARRAY['user:' || r.id], herald.unread_count(r.id), r.xid FROM (SELECT DISTINCT ON (d.id) d.* FROM"
			" (SELECT substr(c.room, 6), c.xid FROM unnest($1, $2) AS c (room, xid) WHERE c.room LIKE 'user:%') AS d (id, xid)"
			" ORDER BY d.id, d.xid DESC) AS r ORDER BY r.id",
	.nargs = 2,
	.argtypes = { TEXTARRAYOID, XID8ARRAYOID },
	.read_only = true,
};

/* Adds the unread counts that the page changes.  The reader counts, so that no writer has to. */
static void
put_unread_counts(EventReading *reading)
{
	Datum values[EVENT_COLUMNS] = { 0 };
	bool nulls[EVENT_COLUMNS];
	Datum changes[2];
	uint64 rows;

	if (reading->unread_rooms == NULL)
		return;
	changes[0] = makeArrayResult(reading->unread_rooms, CurrentMemoryContext);
	changes[1] = makeArrayResult(reading->unread_xids, CurrentMemoryContext);
	rows = query_run(&count_unread, 1, changes, NULL);
	memset(nulls, true, sizeof(nulls));
	values[EVENT_NAME - 1] = CStringGetTextDatum("notification:unread");
	values[EVENT_POSITION - 1] = CStringGetTextDatum(position_text(&reading->position));
	nulls[EVENT_NAME - 1] = nulls[EVENT_POSITION - 1] = nulls[EVENT_ROOMS - 1] = nulls[EVENT_PAYLOAD - 1] = false;
	for (uint64 row = 0; row < rows; row++)
	{
		values[EVENT_ROOMS - 1] = query_value(row, 1, &nulls[EVENT_ROOMS - 1]);
		values[EVENT_PAYLOAD - 1] = CStringGetTextDatum(psprintf("{\"count\":%s}", query_text(row, 2)));
		values[EVENT_XID - 1] = query_value(row, 3, &nulls[EVENT_XID - 1]);
		reading_put(reading, values, nulls);
	}
}

static void
put_signal(EventReading *reading, uint64 row)
{
	static const int columns[] = { EVENT_ROOMS, EVENT_NAME, EVENT_PAYLOAD, EVENT_KEY, EVENT_EXCEPT };
	Datum values[EVENT_COLUMNS] = { 0 };
	bool nulls[EVENT_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	for (int i = 0; i < (int) lengthof(columns); i++)
		values[columns[i] - 1] = query_value(row, i + 1, &nulls[columns[i] - 1]);
	values[EVENT_POSITION - 1] = CStringGetTextDatum(position_text(&reading->position));
	nulls[EVENT_POSITION - 1] = false;
	reading_put(reading, values, nulls);
}

/* Adds the signals of the window from "seen" to the position, which is its end. */
static void
put_signals(EventReading *reading, const LogSnapshot *seen)
{
	uint64 rows = signal_reader_run(seen, &reading->position.seen);

	for (uint64 row = 0; row < rows; row++)
		put_signal(reading, row);
}

/*
 * Returns an upper bound of the number of events after the position: some ids are
 * unused, and some belong to transactions in progress.
 */
static int64
lag_events(const EventReading *reading)
{
	return Max(reading->until.top - position_reach(&reading->position), 0);
}

/* Adds the last row: the position to go on from, and whether more events wait. */
static void
put_end(EventReading *reading, bool more)
{
	Datum values[EVENT_COLUMNS] = { 0 };
	bool nulls[EVENT_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	nulls[EVENT_POSITION - 1] = nulls[EVENT_MORE - 1] = nulls[EVENT_LAG_EVENTS - 1] = false;
	values[EVENT_POSITION - 1] = CStringGetTextDatum(position_text(&reading->position));
	values[EVENT_MORE - 1] = BoolGetDatum(more);
	values[EVENT_LAG_EVENTS - 1] = Int64GetDatum(more ? lag_events(reading) : 0);
	reading_put(reading, values, nulls);
}

/* Runs the window query and returns the number of rows. */
static uint64
run_window(const EventReading *reading, Datum rooms, bool all_rooms)
{
	const Position *position = &reading->position;
	Datum values[WINDOW_PARAMETERS];
	char nulls[WINDOW_PARAMETERS + 1];

	memset(nulls, ' ', WINDOW_PARAMETERS);
	values[WINDOW_SEEN_XMAX] = UInt64GetDatum(position->seen.xmax);
	values[WINDOW_SEEN_IN_PROGRESS] = snapshot_in_progress(&position->seen);
	values[WINDOW_BEGUN_LIMIT] = UInt64GetDatum(Min(position->window_end.xmax, position->seen.next));
	values[WINDOW_SNAPSHOT] = snapshot_to_datum(&position->window_end);
	values[WINDOW_LAST_ID] = Int64GetDatum(position->last_id);
	values[WINDOW_ROOMS] = rooms;
	nulls[WINDOW_ROOMS] = all_rooms ? 'n' : ' ';
	values[WINDOW_MAX_EVENTS] = Int32GetDatum(reading->max_events);
	position_seen(position->also, &values[WINDOW_ALSO_SEEN], &values[WINDOW_ALSO_SEEN_IDS]);
	values[WINDOW_SEEN] = snapshot_to_datum(&position->seen);
	values[WINDOW_SEEN_TOP] = Int64GetDatum(position->seen.top);
	values[WINDOW_TOP] = Int64GetDatum(position->window_end.top);
	values[WINDOW_MAX_BYTES] = Int32GetDatum(reading->max_bytes);
	return query_run(&read_window, 1, values, nulls);
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
 * Returns whether the log cannot have an event of the window: each of the three index
 * ranges of the window query is empty.
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
read_page(EventReading *reading, Datum rooms, bool all_rooms)
{
	LogSnapshot seen = reading->position.seen;
	bool more = reading->position.partial;
	bool full;

	Assert(reading->max_events > 0 && reading->max_bytes > 0);
	if (!reading->position.partial)
		begin_window(reading);
	full = !window_is_empty(&reading->position) && put_page(reading, run_window(reading, rooms, all_rooms));
	if (!full)
		end_window(reading);
	put_unread_counts(reading);
	if (!full && reading->signals)
		put_signals(reading, &seen);
	put_end(reading, full || more);
}

PG_FUNCTION_INFO_V1(herald_payload_size);

/*
 * herald_internal.payload_size(payload) returns its size as text.  It does not
 * fetch a value that is stored out of line or compressed.
 */
Datum
herald_payload_size(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) (toast_raw_datum_size(PG_GETARG_DATUM(0)) - VARHDRSZ));
}

PG_FUNCTION_INFO_V1(herald_read_events);

/* herald.read_events(after, until, rooms, max_events, max_bytes, signals) returns a page of events: see docs/sql.md. */
Datum
herald_read_events(PG_FUNCTION_ARGS)
{
	EventReading reading = { 0 };
	LogSnapshot seen;
	QueryScope scope;
	Position until;

	reading.max_events = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	reading.max_bytes = PG_ARGISNULL(4) ? INT_MAX : PG_GETARG_INT32(4);
	reading.signals = !PG_ARGISNULL(5) && PG_GETARG_BOOL(5);
	if (PG_ARGISNULL(0) || reading.max_events < 1 || reading.max_bytes < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("herald.read_events() needs a position and positive numbers of events and bytes")));
	reading.out = query_result_begin(fcinfo, &reading.shape);
	query_begin(&scope);
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
	read_page(&reading, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	/* Check after reading: from then on our locks keep retention from emptying a partition unnoticed. */
	resume_check_age(&seen);
	query_end(&scope);
	return (Datum) 0;
}

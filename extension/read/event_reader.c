/*-------------------------------------------------------------------------
 *
 * event_reader.c
 *	  Reads the event log from a position.
 *
 * The order of ids is not the order of commits: whoever saw id 2 and moved on
 * never sees id 1 of the slower transaction.  So a position is a snapshot.
 *
 * 1. A row carries the id of its top transaction.  After the position S0, a
 *	  reader whose own snapshot is S1 gets the rows of transactions at or above
 *	  S0's xmax and of those in progress in S0, as far as S1 sees them.  Each
 *	  committed row is read once and nobody waits for anybody.
 *
 * 2. Within such a window rows come in the order of their ids.  That respects
 *	  causality: who saw a row before writing its own got a higher id.
 *
 * 3. A page that does not hold the whole window ends in a position in its middle
 *	  (S0, S1, last id), and the next page reads the same window.
 *
 * 4. A page costs what it holds, however long the window is.  A snapshot comes with
 *	  a top: nothing that it sees has a higher id.  Above the top of S0 everything is
 *	  new and found by its id, in order.  Up to there only what was in progress is, or
 *	  had begun without being known to S0: whoever began later has higher ids.
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
#include "read/resume.h"
#include "read/durable_lsn.h"

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
	EVENT_LOGGED,
	EVENT_MORE,
	EVENT_BEHIND,
	EVENT_COLUMNS = EVENT_BEHIND,
	ROW_WANTED, /* the row is news */
	ROW_FULL,	/* more follows behind the page */
	ROW_COLUMNS = ROW_FULL
};

/*
 * The next rows in the order of ids, and whether each of them is wanted, up to the
 * one with which their payloads have reached the size of a page.  Three arms, each
 * an index range: a single OR can be a hundred times slower.
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
			" (extract(epoch FROM p.logged_at) * 1000)::bigint, NULL::boolean, NULL::bigint, p.wanted,"
			" (SELECT n.count = $7 OR n.count > (SELECT count(*) FROM page) FROM (SELECT count(*) FROM next) AS n)"
			" FROM page AS p LEFT JOIN totals AS t ON t.counter = p.counter AND t.counted_id = p.counted_id"
			" ORDER BY p.id",
	.nargs = 13,
	.argtypes = { XID8OID, XID8ARRAYOID, XID8OID, PG_SNAPSHOTOID, INT8OID, TEXTARRAYOID, INT4OID, PG_SNAPSHOTARRAYOID,
				  INT8ARRAYOID, PG_SNAPSHOTOID, INT8OID, INT8OID, INT4OID },
	.read_only = true,
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* One call of herald.read_events(). */
typedef struct Reading
{
	Tuplestorestate *out;
	TupleDesc shape;
	Position position; /* after the row that was put out last */
	LogSnapshot until;
	uint64 durable_lsn;		  /* what was visible until then was before this place in the WAL */
	ArrayBuildState *readers; /* whose unread count the page changes ... */
	ArrayBuildState *causes;  /* ... and in which transaction */
	int max_events;
	int max_bytes; /* of payload; the page ends with the event that reaches it */
} Reading;

static void
reading_put(Reading *reading, Datum *values, bool *nulls)
{
	tuplestore_putvalues(reading->out, reading->shape, values, nulls);
}

static bool
changes_unread(const char *name)
{
	return strncmp(name, "notification:", strlen("notification:")) == 0;
}

/* The user of an event that changes an unread count: its room is "user:ID". */
static void
note_reader(Reading *reading, Datum rooms, Datum xid, MemoryContext context)
{
	Datum *elements;
	int count;

	deconstruct_array(DatumGetArrayTypeP(rooms), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	if (count == 0)
		return;
	reading->readers = accumArrayResult(reading->readers, elements[0], false, TEXTOID, context);
	reading->causes = accumArrayResult(reading->causes, xid, false, XID8OID, context);
}

/* Puts out what is wanted of the page that the window query found; returns whether more follows. */
static bool
put_page(Reading *reading, uint64 rows, MemoryContext context)
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
		if (!DatumGetBool(values[ROW_WANTED - 1]))
			continue;
		values[EVENT_POSITION - 1] = CStringGetTextDatum(position_text(&reading->position));
		nulls[EVENT_POSITION - 1] = false;
		if (changes_unread(TextDatumGetCString(values[EVENT_NAME - 1])))
			note_reader(reading, values[EVENT_ROOMS - 1], values[EVENT_XID - 1], context);
		reading_put(reading, values, nulls);
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

/* Badges are derived when the page is read, so that no writer has to count. */
static void
put_unread_counts(Reading *reading)
{
	Datum values[EVENT_COLUMNS] = { 0 };
	bool nulls[EVENT_COLUMNS];
	Datum changes[2];
	uint64 rows;

	if (reading->readers == NULL)
		return;
	changes[0] = makeArrayResult(reading->readers, CurrentMemoryContext);
	changes[1] = makeArrayResult(reading->causes, CurrentMemoryContext);
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

/* How many events there may be after the position: ids are not all used, and some are of transactions in progress. */
static int64
events_behind(const Reading *reading)
{
	return Max(reading->until.top - position_reach(&reading->position), 0);
}

/* The last row: where to go on, and whether at once. */
static void
put_end(Reading *reading, bool more)
{
	Datum values[EVENT_COLUMNS] = { 0 };
	bool nulls[EVENT_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	nulls[EVENT_POSITION - 1] = nulls[EVENT_MORE - 1] = nulls[EVENT_BEHIND - 1] = false;
	values[EVENT_POSITION - 1] = CStringGetTextDatum(position_text(&reading->position));
	values[EVENT_MORE - 1] = BoolGetDatum(more);
	values[EVENT_BEHIND - 1] = Int64GetDatum(more ? events_behind(reading) : 0);
	reading_put(reading, values, nulls);
}

static uint64
run_window(const Reading *reading, Datum rooms, bool all_rooms)
{
	const Position *position = &reading->position;
	Datum values[13];
	char nulls[14] = "             ";

	values[0] = UInt64GetDatum(position->seen.xmax);
	values[1] = snapshot_in_progress(&position->seen);
	values[2] = UInt64GetDatum(Min(position->window.xmax, position->seen.next));
	values[3] = snapshot_to_datum(&position->window);
	values[4] = Int64GetDatum(position->last_id);
	values[5] = rooms;
	nulls[5] = all_rooms ? 'n' : ' ';
	values[6] = Int32GetDatum(reading->max_events);
	position_seen(position->also, &values[7], &values[8]);
	values[9] = snapshot_to_datum(&position->seen);
	values[10] = Int64GetDatum(position->seen.top);
	values[11] = Int64GetDatum(position->window.top);
	values[12] = Int32GetDatum(reading->max_bytes);
	return query_run(&read_window, 1, values, nulls);
}

/*
 * Reads one page: the next rows of the window that the position is in, or of
 * the one that begins at it.
 */
static void
read_page(Reading *reading, Datum rooms, bool all_rooms)
{
	bool more = reading->position.partial;
	uint64 rows;
	bool full;

	if (!reading->position.partial)
	{
		reading->position.window = reading->until;
		reading->position.partial = true;
		reading->position.durable_lsn = Max(reading->position.durable_lsn, reading->durable_lsn);
	}
	rows = run_window(reading, rooms, all_rooms);
	full = put_page(reading, rows, CurrentMemoryContext);
	if (!full)
	{
		reading->position.seen = reading->position.window;
		reading->position.partial = false;
		reading->position.last_id = -1;
		position_simplify(&reading->position);
	}
	put_unread_counts(reading);
	put_end(reading, full || more);
}

PG_FUNCTION_INFO_V1(herald_payload_size);

/* herald_internal.payload_size(payload): its size as text, without reading what is stored elsewhere or compressed. */
Datum
herald_payload_size(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) (toast_raw_datum_size(PG_GETARG_DATUM(0)) - VARHDRSZ));
}

PG_FUNCTION_INFO_V1(herald_read_events);

/* herald.read_events(after, until, rooms, max_events, max_bytes): see docs/sql.md. */
Datum
herald_read_events(PG_FUNCTION_ARGS)
{
	Reading reading = { 0 };
	LogSnapshot seen;
	QueryScope scope;
	Position until;

	reading.max_events = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	reading.max_bytes = PG_ARGISNULL(4) ? INT_MAX : PG_GETARG_INT32(4);
	if (PG_ARGISNULL(0) || reading.max_events < 1 || reading.max_bytes < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("herald.read_events() needs a position and positive numbers of events and bytes")));
	reading.out = query_result_begin(fcinfo, &reading.shape);
	query_begin(&scope, query_extension_owner(), false);
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
	/* Not before: a partition that is emptied in between would be missed.  Now we hold locks on them all. */
	resume_check_age(&seen);
	query_end(&scope);
	return (Datum) 0;
}

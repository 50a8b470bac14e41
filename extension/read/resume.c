/*-------------------------------------------------------------------------
 *
 * resume.c
 *	  Judges positions: whether this database can resume from one.
 *
 * A position carries the start of the server that made it, and an LSN (durable_lsn):
 * all commits that it has seen lie before that in the WAL.  A reader can resume from a
 * usable position: one that passes all checks below.
 *
 * 1. After a crash the server hands out transaction ids again that never reached
 *	  the disk.  Every start of the server has its row in herald_internal.server_start,
 *	  with the first transaction id that its events can have.  A position of an
 *	  earlier start is translated: all transactions from the first id of the start
 *	  after it on count as unseen.
 *
 * 2. A promoted standby, or a restored server, may lack events that a position
 *	  of an earlier start has seen.  A start's row says where in the WAL it began.
 *	  A position is refused (HD002) if its durable_lsn lies beyond the beginning of
 *	  the start after its own: it may have seen commits that were lost.
 *
 * 3. Retention removes old events.  A position is refused as too old (HD001) once
 *	  events that it has not seen are gone.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "event_columns.h"
#include "own_table.h"
#include "query.h"
#include "read/durable_lsn.h"
#include "read/resume.h"
#include "read/server_start.h"
#include "read/xid_rows.h"

/* The columns of herald_internal.log_floor. */
enum
{
	FLOOR_XID = 1,
	FLOOR_SNAPSHOT
};

/* Returns the position after everything that had ended at the snapshot. */
static Position
position_after(LogSnapshot snapshot)
{
	Position position = { 0 };

	position.start = server_start_current();
	position.database_hash = server_start_database_hash();
	position.durable_lsn = durable_lsn();
	position.seen = snapshot;
	position.last_id = -1;
	return position;
}

/*
 * Translates a position to this start of the server.  Returns NULL, or the reason why
 * that is impossible.  *start keeps the last record that was looked up, for the next call.
 */
static const char *
translate_to_current_start(Position *position, ServerStart *start)
{
	int64 current = server_start_current();

	for (Position *part = position; part != NULL; part = part->also)
	{
		server_start_find(start, part->start);
		if (part->database_hash != server_start_database_hash() || !start->known)
			return "the position comes from another database";
		if (part->durable_lsn > start->next_begin_lsn)
			return "the position lies beyond the WAL that this database has kept";
		if (!start->newest)
		{
			snapshot_clip(&part->seen, start->next_xid);
			snapshot_clip(&part->window_end, start->next_xid);
		}
		part->start = current;
	}
	position_simplify(position);
	return NULL;
}

/*
 * Returns whether a snapshot misses events that were removed together: those of transactions up to an id that had ended
 * in the floor's snapshot.  A transaction in progress matters only if its events can be removed already.
 */
static bool
precedes_floor(const LogSnapshot *snapshot, uint64 xid, Datum ended)
{
	LogSnapshot floor;

	if (snapshot->xmax <= xid)
		return true;
	if (snapshot->count == 0 || snapshot->in_progress[0] > xid)
		return false;
	floor = snapshot_from_datum(ended);
	for (int i = 0; i < snapshot->count && snapshot->in_progress[i] <= xid; i++)
	{
		if (snapshot_sees(&floor, snapshot->in_progress[i]))
			return true;
	}
	return false;
}

/* Has retention removed events that are not visible in the snapshot?  Sees all that it has done up to now. */
static bool
precedes_log(const LogSnapshot *snapshot)
{
	Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
	static const Oid types[] = { XID8OID, PG_SNAPSHOTOID };
	static OwnColumns columns = { .count = lengthof(types), .types = types };
	OwnScan row = own_scan_all("herald_internal", "log_floor", &columns, latest);
	bool precedes = false;
	bool isnull;

	while (!precedes && own_scan_next(&row))
		precedes = precedes_floor(snapshot, DatumGetUInt64(own_scan_value(&row, FLOOR_XID, &isnull)),
								  own_scan_value(&row, FLOOR_SNAPSHOT, &isnull));
	own_scan_end(&row);
	UnregisterSnapshot(latest);
	return precedes;
}

PG_FUNCTION_INFO_V1(herald_precedes_log);

/* herald_internal.precedes_log(snapshot) returns whether retention has removed events that a snapshot does not see. */
Datum
herald_precedes_log(PG_FUNCTION_ARGS)
{
	LogSnapshot snapshot = snapshot_from_datum(PG_GETARG_DATUM(0));

	PG_RETURN_BOOL(precedes_log(&snapshot));
}

void
resume_check_age(const LogSnapshot *snapshot)
{
	if (precedes_log(snapshot))
		ereport(ERROR, (errcode(ERRCODE_HERALD_TOO_OLD),
						errmsg("the position is older than the event log"),
						errdetail("The event log keeps events for herald.recovery_window."),
						errhint("Start again from herald.current_position() and read the present state.")));
}

Position
resume_at(Datum datum)
{
	Position position = position_parse(TextDatumGetCString(datum));
	ServerStart start = { 0 };
	const char *failure = translate_to_current_start(&position, &start);

	if (failure != NULL)
	{
		server_start_forget();
		ereport(ERROR, (errcode(ERRCODE_HERALD_FOREIGN),
						errmsg("%s", failure),
						errdetail("The database was restored, copied or failed over, or it lost its latest commits."),
						errhint("Start again from herald.current_position() and read the present state.")));
	}
	return position;
}

PG_FUNCTION_INFO_V1(herald_current_position);

/* herald.current_position() returns the position after everything that is visible now. */
Datum
herald_current_position(PG_FUNCTION_ARGS)
{
	QueryScope scope;
	Position position;
	Datum text;

	query_begin(&scope);
	position = position_after(snapshot_current());
	text = query_text_for_caller(position_text(&position));
	query_end(&scope);
	return text;
}

/*
 * Reads a text[] of positions into two new arrays and returns their length.
 * usable[i]: the position was read and translated to this start of the server.
 */
static int
read_positions(Datum array, Position **positions, bool **usable)
{
	ServerStart start = { 0 };
	Datum *texts;
	bool *nulls;
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	*positions = palloc0(sizeof(Position) * (count + 1));
	*usable = palloc0(sizeof(bool) * (count + 1));
	for (int i = 0; i < count; i++)
		(*usable)[i] = !nulls[i] && position_read(TextDatumGetCString(texts[i]), &(*positions)[i]) &&
					   translate_to_current_start(&(*positions)[i], &start) == NULL;
	return count;
}

/*
 * Sets *result to a position that precedes all events that any of the usable
 * positions has not seen.  Returns false if none is usable.
 */
static bool
earliest(const Position *positions, const bool *usable, int count, Position *result)
{
	bool any = false;

	for (int i = 0; i < count; i++)
	{
		if (usable[i])
			*result = position_before(any ? result : &positions[i], &positions[i]);
		any |= usable[i];
	}
	return any;
}

/* A reading begins at the start of a window, not in its middle, if that repeats fewer events than this. */
#define REREAD_LIMIT 1000

/* Counts a row. */
static bool
count_row(void *count, HeapTuple row, uint64 xid)
{
	(*(int64 *) count)++;
	return true;
}

/*
 * Has the reader read few events of the window that the position is in the middle of?
 * They are events of transactions that were in progress, and events above the top.
 */
static bool
is_near_begin(const Position *position)
{
	const LogSnapshot *seen = &position->seen;
	Relation partitions[EVENT_PARTITIONS];
	int64 count = 0;

	if (event_rows_between(seen->top, position->last_id) > REREAD_LIMIT)
		return false;
	xid_rows_open(partitions);
	for (int i = 0; i < seen->count && count < REREAD_LIMIT; i++)
	{
		XidRows rows = { seen->in_progress[i], seen->in_progress[i] + 1, 0, Min(position->last_id, seen->top),
						 REREAD_LIMIT };

		xid_rows_visit(partitions, &rows, count_row, &count);
	}
	xid_rows_close(partitions);
	return count < REREAD_LIMIT;
}

PG_FUNCTION_INFO_V1(herald_earliest);

/*
 * herald_internal.earliest(positions) returns a position that precedes all events that any
 * of the usable positions has not seen, and whether it is in the middle of a window.
 * It returns no row if none is usable.
 */
Datum
herald_earliest(PG_FUNCTION_ARGS)
{
	TupleDesc shape;
	Tuplestorestate *out = query_result_begin(fcinfo, &shape);
	QueryScope scope;
	Position *positions;
	bool *usable;
	Position result;
	int count;

	Assert(shape->natts == 2);
	query_begin(&scope);
	count = read_positions(PG_GETARG_DATUM(0), &positions, &usable);
	if (earliest(positions, usable, count, &result))
	{
		Datum values[2];
		bool nulls[2] = { false };

		result.partial = result.partial && !is_near_begin(&result);
		values[0] = CStringGetTextDatum(position_text(&result));
		values[1] = BoolGetDatum(result.partial);
		tuplestore_putvalues(out, shape, values, nulls);
	}
	query_end(&scope);
	return (Datum) 0;
}

/*
 * Clears usable[] for the positions that are too old.  If the earliest of them is not,
 * none is.
 */
static void
refuse_too_old(const Position *positions, bool *usable, int count)
{
	Position first;

	if (!earliest(positions, usable, count, &first) || !precedes_log(&first.seen))
		return;
	for (int i = 0; i < count; i++)
		usable[i] = usable[i] && !precedes_log(&position_furthest(&positions[i])->seen);
}

/* Columns of herald_internal.resume(). */
enum
{
	RESUME_ORDINAL = 1,
	RESUME_RECOVERED,
	RESUME_POSITION,
	RESUME_SEEN_SNAPSHOTS,
	RESUME_SEEN_IDS,
	RESUME_SEGMENTS_BEFORE,
	RESUME_LAG_EVENTS,
	RESUME_COLUMNS = RESUME_LAG_EVENTS
};

/* One call of herald_internal.resume(). */
typedef struct ResumeCall
{
	Tuplestorestate *out;
	TupleDesc shape;
	Position present;	/* after everything that is visible now */
	Position *segments; /* where the segments of the bridge's event cache begin, ascending */
	bool *segment_usable;
	int segment_count;
} ResumeCall;

/* Returns how many of the first segments begin at or before the position. */
static int
segments_before(const ResumeCall *call, const Position *position)
{
	int count = call->segment_count;

	while (count > 0 && !(call->segment_usable[count - 1] && position_within(&call->segments[count - 1], position)))
		count--;
	return count;
}

/* Adds a row to the result: where the session with this position goes on. */
static void
put_resume_row(const ResumeCall *call, int ordinal, bool recovered, const Position *position)
{
	Datum values[RESUME_COLUMNS];
	bool nulls[RESUME_COLUMNS] = { false };
	int64 lag_events = event_rows_between(position_reach(position_furthest(position)), call->present.seen.top);

	values[RESUME_ORDINAL - 1] = Int32GetDatum(ordinal);
	values[RESUME_RECOVERED - 1] = BoolGetDatum(recovered);
	values[RESUME_POSITION - 1] = CStringGetTextDatum(position_text(position));
	position_seen(position, &values[RESUME_SEEN_SNAPSHOTS - 1], &values[RESUME_SEEN_IDS - 1]);
	values[RESUME_SEGMENTS_BEFORE - 1] = Int32GetDatum(segments_before(call, position));
	values[RESUME_LAG_EVENTS - 1] = Int64GetDatum(lag_events);
	tuplestore_putvalues(call->out, call->shape, values, nulls);
}

PG_FUNCTION_INFO_V1(herald_resume);

/*
 * herald_internal.resume(positions, segment_positions) returns a row for each position:
 * where its session goes on, and how many of the segments begin at or before that.
 * The session of a position that is not usable goes on at the present.
 */
Datum
herald_resume(PG_FUNCTION_ARGS)
{
	ResumeCall call;
	QueryScope scope;
	Position *positions;
	bool *usable;
	int count;

	call.out = query_result_begin(fcinfo, &call.shape);
	Assert(call.shape->natts == RESUME_COLUMNS);
	query_begin(&scope);
	call.present = position_after(snapshot_current());
	count = read_positions(PG_GETARG_DATUM(0), &positions, &usable);
	call.segment_count = read_positions(PG_GETARG_DATUM(1), &call.segments, &call.segment_usable);
	refuse_too_old(positions, usable, count);
	for (int i = 0; i < count; i++)
		put_resume_row(&call, i + 1, usable[i], usable[i] ? &positions[i] : &call.present);
	query_end(&scope);
	return (Datum) 0;
}

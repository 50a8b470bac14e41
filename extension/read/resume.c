/*-------------------------------------------------------------------------
 *
 * resume.c
 *	  Makes positions of this server and says whether one is still good.
 *
 * After a crash the server hands out transaction ids again that never reached
 * the disk.  Every start of the server has its row in herald.server_start, with
 * the first id that its events can have.  For a position of an earlier start
 * all transactions from there on are unseen.
 *
 * A promoted standby, or a restored server, may not have all that a position of
 * an earlier start has seen.  So a position says up to where in the WAL that
 * can be, and a start where it has begun in the WAL of the one before: what is
 * beyond that was lost, and whoever may have seen it is told.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"

#include "query.h"
#include "read/resume.h"
#include "read/durable_lsn.h"

static SavedQuery note_start = {
	.name = "the record of the server's start",
	.text = "SELECT id, fresh FROM herald.note_start()",
};

/* Not read-only: it must see the record that this very statement may have made. */
static SavedQuery find_start = {
	.name = "the check where a position comes from",
	.text = "SELECT EXISTS (SELECT FROM herald.server_start WHERE id = $1),"
			" s.first_xid, s.begins_at"
			" FROM (SELECT) AS one LEFT JOIN (SELECT * FROM herald.server_start WHERE id > $1 ORDER BY id LIMIT 1) AS s ON true",
	.nargs = 1,
	.argtypes = { INT8OID },
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

static SavedQuery check_floor = {
	.name = "the check of a position's age",
	.text = "SELECT herald.precedes_log($1)",
	.nargs = 1,
	.argtypes = { PG_SNAPSHOTOID },
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* The start of the server as this backend knows it, by the record in that table; 0: not known yet. */
static int64 known_start = 0;
static Oid known_by = InvalidOid;

/*
 * Which start of the server this is.  The record is made by whoever asks first
 * and believed once it is committed.
 */
static int64
current_start(void)
{
	Oid record = query_own_table("server_start");
	bool isnull;
	int64 found;

	if (known_start != 0 && known_by == record)
		return known_start;
	query_run(&note_start, 1, NULL, NULL);
	found = DatumGetInt64(query_value(0, 1, &isnull));
	known_start = DatumGetBool(query_value(0, 2, &isnull)) ? 0 : found;
	known_by = record;
	return found;
}

static uint32
current_system(void)
{
	uint64 system = GetSystemIdentifier();

	return (uint32) (system >> 32) ^ (uint32) system ^ (MyDatabaseId * 2654435761u);
}

/* The position after everything that had ended at the snapshot. */
static Position
position_after(LogSnapshot snapshot)
{
	Position position = { 0 };

	position.system = current_system();
	position.start = current_start();
	position.durable_lsn = durable_lsn();
	position.seen = snapshot;
	position.last_id = -1;
	return position;
}

/* What the record says of a start; many positions in a row are of the same. */
typedef struct Origin
{
	int64 start;
	bool known;
	bool newest;
	uint64 next_first; /* the first transaction id of the start after it */
	uint64 next_begin; /* and where in the WAL that began */
} Origin;

static void
look_up(Origin *origin, int64 start)
{
	Datum argument = Int64GetDatum(start);
	bool isnull;
	Datum next;
	Datum begin;

	if (origin->start == start)
		return;
	query_run(&find_start, 1, &argument, NULL);
	origin->start = start;
	origin->known = DatumGetBool(query_value(0, 1, &isnull));
	next = query_value(0, 2, &origin->newest);
	begin = query_value(0, 3, &isnull);
	origin->next_first = origin->newest ? 0 : DatumGetUInt64(next);
	origin->next_begin = origin->newest ? PG_UINT64_MAX : DatumGetLSN(begin);
}

/*
 * Brings a position into terms of this start of the server: to one of an
 * earlier start everything since that start is news.  Returns why that cannot
 * be done, or NULL.
 */
static const char *
bring_here(Position *position, Origin *origin)
{
	int64 start = current_start();

	for (Position *one = position; one != NULL; one = one->also)
	{
		look_up(origin, one->start);
		if (one->system != current_system() || !origin->known)
			return "the position comes from another database";
		if (one->durable_lsn > origin->next_begin)
			return "the position lies beyond what this database has kept";
		if (!origin->newest)
		{
			snapshot_clip(&one->seen, origin->next_first);
			snapshot_clip(&one->window, origin->next_first);
		}
		one->start = start;
	}
	position_simplify(position);
	return NULL;
}

static bool
precedes_log(const LogSnapshot *snapshot)
{
	Datum seen = snapshot_to_datum(snapshot);
	bool isnull;

	query_run(&check_floor, 1, &seen, NULL);
	return DatumGetBool(query_value(0, 1, &isnull));
}

void
resume_check_age(const LogSnapshot *snapshot)
{
	if (precedes_log(snapshot))
		ereport(ERROR, (errcode(ERRCODE_HERALD_TOO_OLD),
						errmsg("the position is older than the event log"),
						errdetail("Events are kept for herald.recovery_window."),
						errhint("Start again from herald.current_position() and read the present state.")));
}

Position
resume_at(Datum argument)
{
	Position position = position_parse(TextDatumGetCString(argument));
	Origin origin = { .start = -1 };
	const char *failure = bring_here(&position, &origin);

	if (failure != NULL)
	{
		known_start = 0; /* its record may have been rolled back */
		ereport(ERROR, (errcode(ERRCODE_HERALD_FOREIGN),
						errmsg("%s", failure),
						errdetail("The database was restored, copied or failed over, or it lost its latest commits."),
						errhint("Start again from herald.current_position() and read the present state.")));
	}
	return position;
}

PG_FUNCTION_INFO_V1(herald_current_position);

/* herald.current_position(): the place after everything that is visible now. */
Datum
herald_current_position(PG_FUNCTION_ARGS)
{
	QueryScope scope;
	Position position;
	Datum text;

	query_begin(&scope, query_extension_owner(), false);
	position = position_after(snapshot_current());
	text = query_keep_text(position_text(&position));
	query_end(&scope);
	return text;
}

/* The texts of an array of positions, and which of them are of use here. */
static int
read_positions(Datum array, Position **positions, bool **good)
{
	Origin origin = { .start = -1 };
	Datum *texts;
	bool *nulls;
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	*positions = palloc0(sizeof(Position) * (count + 1));
	*good = palloc0(sizeof(bool) * (count + 1));
	for (int i = 0; i < count; i++)
		(*good)[i] = !nulls[i] && position_read(TextDatumGetCString(texts[i]), &(*positions)[i]) &&
					 bring_here(&(*positions)[i], &origin) == NULL;
	return count;
}

/* A position after which everything comes that is news to one of these; false: there is none. */
static bool
earliest(const Position *positions, const bool *good, int count, Position *place)
{
	bool any = false;

	for (int i = 0; i < count; i++)
	{
		if (good[i])
			*place = position_before(any ? place : &positions[i], &positions[i]);
		any |= good[i];
	}
	return any;
}

/* So few events are rather read again than a window is entered in its middle. */
#define READ_AGAIN 1000

static SavedQuery count_begun = {
	.name = "the check how much of a window has been read",
	.text = "SELECT count(*) FROM (SELECT FROM unnest($1) AS x CROSS JOIN LATERAL ("
			" SELECT FROM herald.event WHERE xid >= x AND xid <= x AND id <= $2 LIMIT $3) AS e LIMIT $3) AS read",
	.nargs = 3,
	.argtypes = { XID8ARRAYOID, INT8OID, INT4OID },
	.read_only = true,
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* Whether little has been read of the window that a position is in: what was in progress, and what is above the top. */
static bool
is_near_begin(const Position *place)
{
	Datum values[3];
	bool isnull;

	if (place->last_id > place->seen.top + READ_AGAIN)
		return false;
	values[0] = snapshot_in_progress(&place->seen);
	values[1] = Int64GetDatum(Min(place->last_id, place->seen.top));
	values[2] = Int32GetDatum(READ_AGAIN);
	query_run(&count_begun, 1, values, NULL);
	return DatumGetInt64(query_value(0, 1, &isnull)) < READ_AGAIN;
}

PG_FUNCTION_INFO_V1(herald_earliest);

/*
 * herald.earliest(positions): a position from which on everything is read that
 * is new to one of them, and whether it is in the middle of a window.
 */
Datum
herald_earliest(PG_FUNCTION_ARGS)
{
	TupleDesc shape;
	Tuplestorestate *out = query_result_begin(fcinfo, &shape);
	QueryScope scope;
	Position *positions;
	bool *good;
	Position place;
	int count;

	query_begin(&scope, query_extension_owner(), false);
	count = read_positions(PG_GETARG_DATUM(0), &positions, &good);
	if (earliest(positions, good, count, &place))
	{
		Datum values[2];
		bool nulls[2] = { false };

		place.partial = place.partial && !is_near_begin(&place);
		values[0] = CStringGetTextDatum(position_text(&place));
		values[1] = BoolGetDatum(place.partial);
		tuplestore_putvalues(out, shape, values, nulls);
	}
	query_end(&scope);
	return (Datum) 0;
}

/* Marks as of no use those from which on the log is not complete any more. */
static void
refuse_too_old(const Position *positions, bool *good, int count)
{
	Position place;

	if (!earliest(positions, good, count, &place) || !precedes_log(&place.seen))
		return;
	for (int i = 0; i < count; i++)
		good[i] = good[i] && !precedes_log(&position_furthest(&positions[i])->seen);
}

/* Columns of herald.resume(). */
enum
{
	RESUME_ORDINAL = 1,
	RESUME_RECOVERED,
	RESUME_POSITION,
	RESUME_SEEN,
	RESUME_SEEN_IDS,
	RESUME_HELD,
	RESUME_BEHIND,
	RESUME_COLUMNS = RESUME_BEHIND
};

PG_FUNCTION_INFO_V1(herald_resume);

/* herald.resume(positions, held): see sql/parts/event_log.sql. */
Datum
herald_resume(PG_FUNCTION_ARGS)
{
	TupleDesc shape;
	Tuplestorestate *out = query_result_begin(fcinfo, &shape);
	QueryScope scope;
	Position present;
	Position *positions;
	Position *held;
	bool *good;
	bool *good_held;
	int count;
	int held_count;

	query_begin(&scope, query_extension_owner(), false);
	present = position_after(snapshot_current());
	count = read_positions(PG_GETARG_DATUM(0), &positions, &good);
	held_count = read_positions(PG_GETARG_DATUM(1), &held, &good_held);
	refuse_too_old(positions, good, count);
	for (int i = 0; i < count; i++)
	{
		const Position *position = good[i] ? &positions[i] : &present;
		Datum values[RESUME_COLUMNS];
		bool nulls[RESUME_COLUMNS] = { false };
		int place = held_count;
		int64 behind = present.seen.top - position_reach(position_furthest(position));

		while (place > 0 && !(good_held[place - 1] && position_within(&held[place - 1], position)))
			place--;
		values[RESUME_ORDINAL - 1] = Int32GetDatum(i + 1);
		values[RESUME_RECOVERED - 1] = BoolGetDatum(good[i]);
		values[RESUME_POSITION - 1] = CStringGetTextDatum(position_text(position));
		position_seen(position, &values[RESUME_SEEN - 1], &values[RESUME_SEEN_IDS - 1]);
		values[RESUME_HELD - 1] = Int32GetDatum(place);
		values[RESUME_BEHIND - 1] = Int64GetDatum(Max(behind, 0));
		tuplestore_putvalues(out, shape, values, nulls);
	}
	query_end(&scope);
	return (Datum) 0;
}

/*-------------------------------------------------------------------------
 *
 * position.c
 *	  A place in the event log in commit order, and its text.
 *
 * The text is "1~system~start~kept~snapshot", in the middle of a window followed by
 * "~snapshot~id".  A snapshot is top, xmin, xmax, next and the transactions in progress,
 * separated by dots: xmax and those relative to xmin, next to xmax.  All numbers are
 * hexadecimal, so that a position fits into a URL, a JSON string and an event stream
 * as it is.  To everyone outside the text is opaque, but that two of them joined by
 * "_" are a position, too: after all that is before the one or the other.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <inttypes.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"

#include "compat.h"
#include "read/position.h"

#define POSITION_VERSION 1
#define UINT64_HEX "%" PRIx64

/* A hostile position must not make us allocate without bound. */
#define MAX_IN_PROGRESS 100000
#define MAX_JOINED 8

static void
append_snapshot(StringInfo text, const LogSnapshot *snapshot)
{
	appendStringInfo(text, "~" UINT64_HEX "." UINT64_HEX ".", (uint64) snapshot->top, snapshot->xmin);
	appendStringInfo(text, UINT64_HEX "." UINT64_HEX, snapshot->xmax - snapshot->xmin, snapshot->next - snapshot->xmax);
	for (int i = 0; i < snapshot->count; i++)
		appendStringInfo(text, "." UINT64_HEX, snapshot->in_progress[i] - snapshot->xmin);
}

char *
position_text(const Position *position)
{
	StringInfoData text;

	initStringInfo(&text);
	for (; position != NULL; position = position->also)
	{
		appendStringInfo(&text, "%x~%x~" UINT64_HEX "~" UINT64_HEX, POSITION_VERSION, position->database_hash, position->start,
						 position->durable_lsn);
		append_snapshot(&text, &position->seen);
		if (position->partial)
		{
			append_snapshot(&text, &position->window);
			appendStringInfo(&text, "~" UINT64_HEX, position->last_id);
		}
		if (position->also != NULL)
			appendStringInfoChar(&text, '_');
	}
	return text.data;
}

int64
position_reach(const Position *position)
{
	return position->partial ? position->last_id : position->seen.top;
}

const Position *
position_furthest(const Position *position)
{
	const Position *furthest = position;

	for (; position != NULL; position = position->also)
	{
		if (position_reach(position) > position_reach(furthest))
			furthest = position;
	}
	return furthest;
}

/* In the middle of a window if one of them is: what has been read of it is known of both. */
Position
position_before(const Position *a, const Position *b)
{
	Position both;

	a = position_furthest(a);
	b = position_furthest(b);
	both = *a;
	both.also = NULL;
	both.durable_lsn = Min(a->durable_lsn, b->durable_lsn);
	both.seen = snapshot_intersect(&a->seen, &b->seen);
	both.partial = a->partial || b->partial;
	both.window = snapshot_intersect(a->partial ? &a->window : &a->seen, b->partial ? &b->window : &b->seen);
	if (b->partial)
		both.last_id = a->partial ? Min(a->last_id, b->last_id) : b->last_id;
	return both;
}

/* What a position says has been read: what a snapshot sees, up to an id. */
typedef struct Part
{
	LogSnapshot snapshot;
	int64 last_id;
} Part;

static int
parts_of(const Position *position, Part *parts)
{
	int count = 0;

	for (; position != NULL; position = position->also)
	{
		parts[count++] = (Part){ position->seen, PG_INT64_MAX };
		if (position->partial)
			parts[count++] = (Part){ position->window, position->last_id };
	}
	return count;
}

bool
position_within(const Position *a, const Position *b)
{
	Part inner[2 * MAX_JOINED];
	Part outer[2 * MAX_JOINED];
	int inner_count = parts_of(a, inner);
	int outer_count = parts_of(b, outer);

	for (int i = 0; i < inner_count; i++)
	{
		int o = 0;

		while (o < outer_count &&
			   (inner[i].last_id > outer[o].last_id || !snapshot_within(&inner[i].snapshot, &outer[o].snapshot)))
			o++;
		if (o == outer_count)
			return false;
	}
	return true;
}

void
position_simplify(Position *position)
{
	Position kept = *position;

	kept.also = NULL;
	for (Position *other = position->also; other != NULL;)
	{
		Position *next = other->also;
		Position one = *other;

		one.also = NULL;
		if (position_within(&kept, &one))
			kept = one;
		else if (!position_within(&one, &kept))
		{
			other->also = kept.also;
			kept.also = other;
		}
		other = next;
	}
	*position = kept;
}

void
position_seen(const Position *position, Datum *snapshots, Datum *ids)
{
	Part parts[2 * MAX_JOINED];
	Datum seen[2 * MAX_JOINED];
	Datum last[2 * MAX_JOINED];
	int count = parts_of(position, parts);

	for (int i = 0; i < count; i++)
	{
		seen[i] = snapshot_to_datum(&parts[i].snapshot);
		last[i] = Int64GetDatum(parts[i].last_id);
	}
	*snapshots = PointerGetDatum(construct_array(seen, count, PG_SNAPSHOTOID, -1, false, TYPALIGN_DOUBLE));
	*ids = PointerGetDatum(construct_array(last, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* What is left of a text that is being read; a NULL cursor: it is no position. */
typedef struct Cursor
{
	const char *at;
} Cursor;

/* Reads a number that begins after the given separator. */
static uint64
read_number(Cursor *cursor, char separator)
{
	char *end;
	uint64 number;

	if (cursor->at == NULL || (separator != '\0' && *cursor->at++ != separator) ||
		!isxdigit((unsigned char) *cursor->at))
	{
		cursor->at = NULL;
		return 0;
	}
	errno = 0;
	number = strtou64(cursor->at, &end, 16);
	cursor->at = errno == 0 ? end : NULL;
	return number;
}

static LogSnapshot
read_snapshot(Cursor *cursor)
{
	LogSnapshot snapshot = { 0 };
	int room = 8;

	snapshot.in_progress = palloc(sizeof(uint64) * room);
	snapshot.top = (int64) read_number(cursor, '~');
	snapshot.xmin = read_number(cursor, '.');
	snapshot.xmax = snapshot.xmin + read_number(cursor, '.');
	snapshot.next = snapshot.xmax + read_number(cursor, '.');
	while (cursor->at != NULL && *cursor->at == '.' && snapshot.count < MAX_IN_PROGRESS)
	{
		uint64 next = snapshot.xmin + read_number(cursor, '.');

		if (snapshot.count == room)
			snapshot.in_progress = repalloc(snapshot.in_progress, sizeof(uint64) * (room *= 2));
		if (next >= snapshot.xmax || (snapshot.count > 0 && next <= snapshot.in_progress[snapshot.count - 1]))
			cursor->at = NULL;
		snapshot.in_progress[snapshot.count++] = next;
	}
	if (snapshot.xmin == 0 || snapshot.xmax < snapshot.xmin || snapshot.next < snapshot.xmax)
		cursor->at = NULL;
	return snapshot;
}

static Position
read_position(Cursor *cursor)
{
	Position position = { 0 };

	if (read_number(cursor, '\0') != POSITION_VERSION)
		cursor->at = NULL;
	position.database_hash = (uint32) read_number(cursor, '~');
	position.start = (int64) read_number(cursor, '~');
	position.durable_lsn = read_number(cursor, '~');
	position.seen = read_snapshot(cursor);
	position.last_id = -1;
	if (cursor->at != NULL && *cursor->at == '~')
	{
		position.partial = true;
		position.window = read_snapshot(cursor);
		position.last_id = (int64) read_number(cursor, '~');
	}
	return position;
}

bool
position_read(const char *text, Position *position)
{
	Cursor cursor = { text };
	Position **next = &position->also;

	*position = read_position(&cursor);
	for (int joined = 1; cursor.at != NULL && *cursor.at == '_' && joined < MAX_JOINED; joined++)
	{
		cursor.at++;
		*next = palloc(sizeof(Position));
		**next = read_position(&cursor);
		next = &(*next)->also;
	}
	return cursor.at != NULL && *cursor.at == '\0';
}

Position
position_parse(const char *text)
{
	Position position;

	if (!position_read(text, &position))
		ereport(ERROR, (errcode(ERRCODE_HERALD_MALFORMED),
						errmsg("\"%.64s\" is not a position in the event log", text),
						errhint("Positions come from herald.current_position() and herald.read_events().")));
	return position;
}

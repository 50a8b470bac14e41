/*-------------------------------------------------------------------------
 *
 * position.c
 *	  A position in the event log in commit order, and its text form.
 *
 * 1. The text is "1~database~start~durable_lsn~seen".  In the middle of a window
 *	  "~window_end~last_id" follows.  The first number is the version; the other names
 *	  are members of Position.
 *
 * 2. A snapshot ("seen" and "window_end") is top, xmin, xmax, next and the transactions
 *	  in progress (snapshot.h), separated by dots.  xmax and the transactions are relative
 *	  to xmin, next is relative to xmax.
 *
 * 3. All numbers are hexadecimal, so that a position needs no escapes in a URL, a
 *	  JSON string and an event stream.
 *
 * 4. Several positions joined by "_" are a position, too: that of a reader that has read
 *	  the events before any of them.  A bridge joins texts during a replay.  It knows by
 *	  the first three parts whether the server was restarted.  Apart from that the text is
 *	  opaque for bridges and clients.
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

/* Limits on the memory that a hostile position can take. */
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

/* Appends one part, without the last_id of one in the middle of a window. */
static void
append_part(StringInfo text, const Position *position)
{
	appendStringInfo(text, "%x~%x~" UINT64_HEX "~" UINT64_HEX, POSITION_VERSION, position->database_hash, position->start,
					 position->durable_lsn);
	append_snapshot(text, &position->seen);
	if (position->partial)
	{
		append_snapshot(text, &position->window_end);
		appendStringInfoChar(text, '~');
	}
}

char *
position_text(const Position *position)
{
	StringInfoData text;

	Assert(position != NULL);
	initStringInfo(&text);
	for (; position != NULL; position = position->also)
	{
		append_part(&text, position);
		if (position->partial)
			appendStringInfo(&text, UINT64_HEX, position->last_id);
		if (position->also != NULL)
			appendStringInfoChar(&text, '_');
	}
	return text.data;
}

void
position_text_begin(PositionText *text, const Position *position)
{
	Assert(position->partial);
	initStringInfo(&text->text);
	text->text.len = VARHDRSZ;
	append_part(&text->text, position);
	text->head = text->text.len;
	text->tail = position->also == NULL ? "" : psprintf("_%s", position_text(position->also));
}

Datum
position_text_at(PositionText *text, int64 last_id)
{
	text->text.len = text->head;
	appendStringInfo(&text->text, UINT64_HEX "%s", (uint64) last_id, text->tail);
	SET_VARSIZE(text->text.data, text->text.len);
	return PointerGetDatum(text->text.data);
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

	Assert(position != NULL);
	for (; position != NULL; position = position->also)
	{
		if (position_reach(position) > position_reach(furthest))
			furthest = position;
	}
	return furthest;
}

/* The result is in the middle of a window if one of the positions is; then its last_id is the lowest of theirs. */
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
	both.window_end = snapshot_intersect(a->partial ? &a->window_end : &a->seen,
										 b->partial ? &b->window_end : &b->seen);
	if (b->partial)
		both.last_id = a->partial ? Min(a->last_id, b->last_id) : b->last_id;
	return both;
}

/* A set of events that have been read: those that a snapshot sees, up to an id. */
typedef struct SeenRange
{
	LogSnapshot snapshot;
	int64 last_id;
} SeenRange;

#define MAX_RANGES (2 * MAX_JOINED)

/* Fills the ranges of all parts of a position and returns their number. */
static int
seen_ranges(const Position *position, SeenRange *ranges)
{
	int count = 0;

	for (; position != NULL; position = position->also)
	{
		Assert(count <= MAX_RANGES - 2);
		ranges[count++] = (SeenRange){ position->seen, PG_INT64_MAX };
		if (position->partial)
			ranges[count++] = (SeenRange){ position->window_end, position->last_id };
	}
	return count;
}

/* Does one of the ranges contain this one? */
static bool
range_within(const SeenRange *range, const SeenRange *ranges, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (range->last_id <= ranges[i].last_id && snapshot_within(&range->snapshot, &ranges[i].snapshot))
			return true;
	}
	return false;
}

bool
position_within(const Position *a, const Position *b)
{
	SeenRange inner[MAX_RANGES];
	SeenRange outer[MAX_RANGES];
	int inner_count = seen_ranges(a, inner);
	int outer_count = seen_ranges(b, outer);

	for (int i = 0; i < inner_count; i++)
	{
		if (!range_within(&inner[i], outer, outer_count))
			return false;
	}
	return true;
}

void
position_simplify(Position *position)
{
	Position result = *position;

	result.also = NULL;
	for (Position *other = position->also; other != NULL;)
	{
		Position *next = other->also;
		Position part = *other;

		part.also = NULL;
		if (position_within(&result, &part))
			result = part;
		else if (!position_within(&part, &result))
		{
			other->also = result.also;
			result.also = other;
		}
		other = next;
	}
	*position = result;
}

bool
position_has_read(const Position *position, uint64 xid, int64 id)
{
	for (; position != NULL; position = position->also)
	{
		if (snapshot_sees(&position->seen, xid) ||
			(position->partial && id <= position->last_id && snapshot_sees(&position->window_end, xid)))
			return true;
	}
	return false;
}

void
position_seen(const Position *position, Datum *snapshots, Datum *ids)
{
	SeenRange ranges[MAX_RANGES];
	Datum seen[MAX_RANGES];
	Datum last[MAX_RANGES];
	int count = seen_ranges(position, ranges);

	for (int i = 0; i < count; i++)
	{
		seen[i] = snapshot_to_datum(&ranges[i].snapshot);
		last[i] = Int64GetDatum(ranges[i].last_id);
	}
	*snapshots = PointerGetDatum(construct_array(seen, count, PG_SNAPSHOTOID, -1, false, TYPALIGN_DOUBLE));
	*ids = PointerGetDatum(construct_array(last, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* The rest of the text that is being read. */
typedef struct Cursor
{
	const char *at; /* NULL: the text is malformed */
} Cursor;

/* Reads the separator, if one is given, and the number after it.  Returns 0 if the text is malformed. */
static uint64
position_read_number(Cursor *cursor, char separator)
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
position_read_snapshot(Cursor *cursor)
{
	LogSnapshot snapshot = { 0 };
	int capacity = 8;

	snapshot.in_progress = palloc(sizeof(uint64) * capacity);
	snapshot.top = (int64) position_read_number(cursor, '~');
	snapshot.xmin = position_read_number(cursor, '.');
	snapshot.xmax = snapshot.xmin + position_read_number(cursor, '.');
	snapshot.next = snapshot.xmax + position_read_number(cursor, '.');
	while (cursor->at != NULL && *cursor->at == '.' && snapshot.count < MAX_IN_PROGRESS)
	{
		uint64 next = snapshot.xmin + position_read_number(cursor, '.');

		if (snapshot.count == capacity)
			snapshot.in_progress = repalloc(snapshot.in_progress, sizeof(uint64) * (capacity *= 2));
		if (next < snapshot.xmin || next >= snapshot.xmax ||
			(snapshot.count > 0 && next <= snapshot.in_progress[snapshot.count - 1]))
			cursor->at = NULL;
		snapshot.in_progress[snapshot.count++] = next;
	}
	if (snapshot.xmin == 0 || snapshot.xmax < snapshot.xmin || snapshot.next < snapshot.xmax)
		cursor->at = NULL;
	return snapshot;
}

static Position
position_read_part(Cursor *cursor)
{
	Position position = { 0 };

	if (position_read_number(cursor, '\0') != POSITION_VERSION)
		cursor->at = NULL;
	position.database_hash = (uint32) position_read_number(cursor, '~');
	position.start = (int64) position_read_number(cursor, '~');
	position.durable_lsn = position_read_number(cursor, '~');
	position.seen = position_read_snapshot(cursor);
	position.last_id = -1;
	if (cursor->at != NULL && *cursor->at == '~')
	{
		position.partial = true;
		position.window_end = position_read_snapshot(cursor);
		position.last_id = (int64) position_read_number(cursor, '~');
	}
	return position;
}

bool
position_read(const char *text, Position *position)
{
	Cursor cursor = { text };
	Position **next = &position->also;

	Assert(text != NULL && position != NULL);
	*position = position_read_part(&cursor);
	for (int joined = 1; cursor.at != NULL && *cursor.at == '_' && joined < MAX_JOINED; joined++)
	{
		cursor.at++;
		*next = palloc(sizeof(Position));
		**next = position_read_part(&cursor);
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

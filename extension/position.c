/*-------------------------------------------------------------------------
 *
 * position.c
 *	  A place in the event log in commit order, and its text.
 *
 * The text is "1~system~start~kept~moment", in the middle of a window followed by
 * "~moment~id".  A moment is top, xmin, xmax, next and the transactions in progress,
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

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"

#include "compat.h"
#include "position.h"
#include "query.h"

#define POSITION_VERSION "1"
#define UINT64_HEX "%" PRIx64

/* A hostile position must not make us allocate without bound. */
#define MAX_IN_PROGRESS 100000
#define MAX_JOINED 8

#define MAX_BEGUN 64

static uint64
snapshot_number(char **text)
{
	uint64 number = strtou64(*text, text, 10);

	if (**text != '\0')
		(*text)++;
	return number;
}

/* A snapshot does not list its own transaction, which may yet append events. */
static void
add_own_transaction(Moment *now)
{
	uint64 own = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	int at;

	if (own < now->xmin || own >= now->xmax)
		return;
	for (at = now->count++; at > 0 && now->in_progress[at - 1] > own; at--)
		now->in_progress[at] = now->in_progress[at - 1];
	now->in_progress[at] = own;
}

/*
 * Who has begun since the last one that the snapshot saw ending is in progress,
 * too: those who are named are found sooner.  An old snapshot has too many.
 */
static void
add_begun(Moment *now)
{
	if (now->next > now->xmax + MAX_BEGUN)
		return;
	while (now->xmax < now->next)
		now->in_progress[now->count++] = now->xmax++;
}

static SavedQuery find_top = {
	.name = "the highest id in the event log",
	.text = "SELECT last_value - (NOT is_called)::int FROM herald.event_id_seq",
	.read_only = true,
};

/* Asked after the snapshot was taken, the sequence knows of all events in it. */
static int64
top_id(void)
{
	bool isnull;

	query_run(&find_top, 1, NULL, NULL);
	return DatumGetInt64(query_value(0, 1, &isnull));
}

/* "next" comes after the top: who has no number yet when the top is read draws ids above it (event_log.c). */
Moment
moment_now(void)
{
	Moment now = { .top = top_id() };
	char *text = DatumGetCString(DirectFunctionCall1(pg_snapshot_out, OidFunctionCall0(F_PG_CURRENT_SNAPSHOT)));

	now.next = U64FromFullTransactionId(ReadNextFullTransactionId());
	now.in_progress = palloc(sizeof(uint64) * (strlen(text) / 2 + 2 + MAX_BEGUN));
	now.xmin = snapshot_number(&text);
	now.xmax = snapshot_number(&text);
	while (*text != '\0')
		now.in_progress[now.count++] = snapshot_number(&text);
	add_own_transaction(&now);
	add_begun(&now);
	return now;
}

/* Trims the list of those in progress to what is below xmax. */
static void
trim(Moment *moment)
{
	while (moment->count > 0 && moment->in_progress[moment->count - 1] >= moment->xmax)
		moment->count--;
}

void
moment_clip(Moment *moment, uint64 limit)
{
	moment->xmax = Min(moment->xmax, limit);
	moment->xmin = Min(moment->xmin, limit);
	moment->next = PG_UINT64_MAX;
	trim(moment);
}

static int
compare_numbers(const void *a, const void *b)
{
	uint64 left = *(const uint64 *) a;
	uint64 right = *(const uint64 *) b;

	return (left > right) - (left < right);
}

/* The moment at which just those transactions had ended that had at both. */
static Moment
moment_before(const Moment *a, const Moment *b)
{
	Moment both = { Min(a->top, b->top), Min(a->xmin, b->xmin), Min(a->xmax, b->xmax), Min(a->next, b->next) };
	int unique = 0;

	both.count = a->count + b->count;
	both.in_progress = palloc(sizeof(uint64) * (both.count + 1));
	memcpy(both.in_progress, a->in_progress, sizeof(uint64) * a->count);
	memcpy(both.in_progress + a->count, b->in_progress, sizeof(uint64) * b->count);
	qsort(both.in_progress, both.count, sizeof(uint64), compare_numbers);
	for (int i = 0; i < both.count; i++)
	{
		if (unique == 0 || both.in_progress[unique - 1] != both.in_progress[i])
			both.in_progress[unique++] = both.in_progress[i];
	}
	both.count = unique;
	trim(&both);
	return both;
}

/* Whether all transactions that had ended at "a" had ended at "b". */
static bool
moment_within(const Moment *a, const Moment *b)
{
	int at = 0;

	if (a->xmax > b->xmax)
		return false;
	for (int i = 0; i < b->count && b->in_progress[i] < a->xmax; i++)
	{
		while (at < a->count && a->in_progress[at] < b->in_progress[i])
			at++;
		if (at == a->count || a->in_progress[at] != b->in_progress[i])
			return false;
	}
	return true;
}

Datum
moment_snapshot(const Moment *moment)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, UINT64_FORMAT ":" UINT64_FORMAT ":", moment->xmin, moment->xmax);
	for (int i = 0; i < moment->count; i++)
		appendStringInfo(&text, "%s" UINT64_FORMAT, i > 0 ? "," : "", moment->in_progress[i]);
	return DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(text.data));
}

Datum
moment_in_progress(const Moment *moment)
{
	Datum *elements = palloc(sizeof(Datum) * (moment->count + 1));

	for (int i = 0; i < moment->count; i++)
		elements[i] = UInt64GetDatum(moment->in_progress[i]);
	return PointerGetDatum(construct_array(elements, moment->count, XID8OID, sizeof(uint64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

static void
append_moment(StringInfo text, const Moment *moment)
{
	appendStringInfo(text, "~" UINT64_HEX "." UINT64_HEX ".", (uint64) moment->top, moment->xmin);
	appendStringInfo(text, UINT64_HEX "." UINT64_HEX, moment->xmax - moment->xmin, moment->next - moment->xmax);
	for (int i = 0; i < moment->count; i++)
		appendStringInfo(text, "." UINT64_HEX, moment->in_progress[i] - moment->xmin);
}

char *
position_text(const Position *position)
{
	StringInfoData text;

	initStringInfo(&text);
	for (; position != NULL; position = position->also)
	{
		appendStringInfo(&text, POSITION_VERSION "~%x~" UINT64_HEX "~" UINT64_HEX, position->system, position->start,
						 position->kept);
		append_moment(&text, &position->seen);
		if (position->partial)
		{
			append_moment(&text, &position->window);
			appendStringInfo(&text, "~" UINT64_HEX, position->last_id);
		}
		if (position->also != NULL)
			appendStringInfoChar(&text, '_');
	}
	return text.data;
}

static int64
reach(const Position *position)
{
	return position->partial ? position->last_id : position->seen.top;
}

const Position *
position_furthest(const Position *position)
{
	const Position *furthest = position;

	for (; position != NULL; position = position->also)
	{
		if (reach(position) > reach(furthest))
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
	both.kept = Min(a->kept, b->kept);
	both.seen = moment_before(&a->seen, &b->seen);
	both.partial = a->partial || b->partial;
	both.window = moment_before(a->partial ? &a->window : &a->seen, b->partial ? &b->window : &b->seen);
	if (b->partial)
		both.last_id = a->partial ? Min(a->last_id, b->last_id) : b->last_id;
	return both;
}

/* What a position says has been read: what a moment sees, up to an id. */
typedef struct Part
{
	Moment moment;
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
			   (inner[i].last_id > outer[o].last_id || !moment_within(&inner[i].moment, &outer[o].moment)))
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
		seen[i] = moment_snapshot(&parts[i].moment);
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

static Moment
read_moment(Cursor *cursor)
{
	Moment moment = { 0 };
	int room = 8;

	moment.in_progress = palloc(sizeof(uint64) * room);
	moment.top = (int64) read_number(cursor, '~');
	moment.xmin = read_number(cursor, '.');
	moment.xmax = moment.xmin + read_number(cursor, '.');
	moment.next = moment.xmax + read_number(cursor, '.');
	while (cursor->at != NULL && *cursor->at == '.' && moment.count < MAX_IN_PROGRESS)
	{
		uint64 next = moment.xmin + read_number(cursor, '.');

		if (moment.count == room)
			moment.in_progress = repalloc(moment.in_progress, sizeof(uint64) * (room *= 2));
		if (next >= moment.xmax || (moment.count > 0 && next <= moment.in_progress[moment.count - 1]))
			cursor->at = NULL;
		moment.in_progress[moment.count++] = next;
	}
	if (moment.xmin == 0 || moment.xmax < moment.xmin || moment.next < moment.xmax)
		cursor->at = NULL;
	return moment;
}

static Position
read_position(Cursor *cursor)
{
	Position position = { 0 };

	if (read_number(cursor, '\0') != 1)
		cursor->at = NULL;
	position.system = (uint32) read_number(cursor, '~');
	position.start = (int64) read_number(cursor, '~');
	position.kept = read_number(cursor, '~');
	position.seen = read_moment(cursor);
	position.last_id = -1;
	if (cursor->at != NULL && *cursor->at == '~')
	{
		position.partial = true;
		position.window = read_moment(cursor);
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

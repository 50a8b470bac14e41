/*-------------------------------------------------------------------------
 *
 * position.c
 *	  A place in the event log in commit order, and its text.
 *
 * The text is "1~system~start~moment", in the middle of a window followed by
 * "~moment~id".  A moment is xmin, xmax and the transactions in progress,
 * separated by dots, all but xmin relative to it.  All numbers are hexadecimal,
 * so that a position fits into a URL, a JSON string and an event stream as it
 * is.  To everyone outside the text is opaque.
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

#define POSITION_VERSION "1"
#define UINT64_HEX "%" PRIx64

/* A hostile position must not make us allocate without bound. */
#define MAX_IN_PROGRESS 100000

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

Moment
moment_now(void)
{
	Moment now = { 0 };
	char *text = DatumGetCString(DirectFunctionCall1(pg_snapshot_out, OidFunctionCall0(F_PG_CURRENT_SNAPSHOT)));

	now.in_progress = palloc(sizeof(uint64) * (strlen(text) / 2 + 2));
	now.xmin = snapshot_number(&text);
	now.xmax = snapshot_number(&text);
	while (*text != '\0')
		now.in_progress[now.count++] = snapshot_number(&text);
	add_own_transaction(&now);
	return now;
}

void
moment_clip(Moment *moment, uint64 limit)
{
	if (moment->xmax > limit)
		moment->xmax = limit;
	if (moment->xmin > limit)
		moment->xmin = limit;
	while (moment->count > 0 && moment->in_progress[moment->count - 1] >= limit)
		moment->count--;
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

void
moment_set_in_progress(Moment *moment, Datum list)
{
	Datum *elements;

	deconstruct_array(DatumGetArrayTypeP(list), XID8OID, sizeof(uint64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements,
					  NULL, &moment->count);
	moment->in_progress = palloc(sizeof(uint64) * (moment->count + 1));
	for (int i = 0; i < moment->count; i++)
		moment->in_progress[i] = DatumGetUInt64(elements[i]);
}

static void
append_moment(StringInfo text, const Moment *moment)
{
	appendStringInfo(text, "~" UINT64_HEX ".", moment->xmin);
	appendStringInfo(text, UINT64_HEX, moment->xmax - moment->xmin);
	for (int i = 0; i < moment->count; i++)
		appendStringInfo(text, "." UINT64_HEX, moment->in_progress[i] - moment->xmin);
}

char *
position_text(const Position *position)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, POSITION_VERSION "~%x~" UINT64_HEX, position->system, position->start);
	append_moment(&text, &position->seen);
	if (position->partial)
	{
		append_moment(&text, &position->window);
		appendStringInfo(&text, "~" UINT64_HEX, position->last_id);
	}
	return text.data;
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
	moment.xmin = read_number(cursor, '~');
	moment.xmax = moment.xmin + read_number(cursor, '.');
	while (cursor->at != NULL && *cursor->at == '.' && moment.count < MAX_IN_PROGRESS)
	{
		uint64 next = moment.xmin + read_number(cursor, '.');

		if (moment.count == room)
			moment.in_progress = repalloc(moment.in_progress, sizeof(uint64) * (room *= 2));
		if (next >= moment.xmax || (moment.count > 0 && next <= moment.in_progress[moment.count - 1]))
			cursor->at = NULL;
		moment.in_progress[moment.count++] = next;
	}
	if (moment.xmin == 0 || moment.xmax < moment.xmin)
		cursor->at = NULL;
	return moment;
}

Position
position_parse(const char *text)
{
	Position position = { 0 };
	Cursor cursor = { text };

	if (read_number(&cursor, '\0') != 1)
		cursor.at = NULL;
	position.system = (uint32) read_number(&cursor, '~');
	position.start = (int64) read_number(&cursor, '~');
	position.seen = read_moment(&cursor);
	position.last_id = -1;
	if (cursor.at != NULL && *cursor.at == '~')
	{
		position.partial = true;
		position.window = read_moment(&cursor);
		position.last_id = (int64) read_number(&cursor, '~');
	}
	if (cursor.at == NULL || *cursor.at != '\0')
		ereport(ERROR, (errcode(ERRCODE_HERALD_MALFORMED),
						errmsg("\"%.64s\" is not a position in the event log", text),
						errhint("Positions come from herald.current_position() and herald.read_events().")));
	return position;
}

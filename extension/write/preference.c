/*-------------------------------------------------------------------------
 *
 * preference.c
 *	  Finds the preferences of a user that apply to a notification.
 *
 * A preference is a scope and the channels that it leaves.  A notification passes all
 * preferences that apply to it: the choice for its type or, without one, the choice for
 * all types, and those for its actor, subject and thread, and for the hours of the day.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "own_table.h"
#include "query.h"
#include "write/preference.h"

/* The columns of herald.preference. */
enum
{
	PREFERENCE_USER_ID = 1,
	PREFERENCE_SCOPE,
	PREFERENCE_ID,
	PREFERENCE_CHANNELS,
	PREFERENCE_UNTIL,
	PREFERENCE_BEGINS,
	PREFERENCE_ENDS,
	PREFERENCE_TIME_ZONE
};

/* A preference of the user; its row is a copy. */
typedef struct Preference
{
	HeapTuple row;
	const char *scope;
	const char *id;
	PreferenceAnswer channels;
} Preference;

static bool
is_same_text(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Returns whether a moment is within hours of the day.  They may span midnight, and equal times mean the whole day. */
static bool
is_within_hours(TimeADT begins, TimeADT ends, Datum zone, Datum moment)
{
	Datum local = DirectFunctionCall2(timestamptz_zone, zone, moment);
	TimeADT time = DatumGetTimeADT(DirectFunctionCall1(timestamp_time, local));

	return begins < ends ? time >= begins && time < ends : time >= begins || time < ends;
}

static bool
are_quiet_now(OwnScan *row)
{
	bool isnull[3];
	Datum begins = own_scan_value(row, PREFERENCE_BEGINS, &isnull[0]);
	Datum ends = own_scan_value(row, PREFERENCE_ENDS, &isnull[1]);
	Datum zone = own_scan_value(row, PREFERENCE_TIME_ZONE, &isnull[2]);

	return !isnull[0] && !isnull[1] && !isnull[2] &&
		   is_within_hours(DatumGetTimeADT(begins), DatumGetTimeADT(ends), zone,
						   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
}

/* Returns whether a preference applies, except that a choice for all types gives way to one for the type. */
static bool
applies(OwnScan *row, const Preference *preference, const PreferenceQuestion *question)
{
	bool isnull;
	TimestampTz until = DatumGetTimestampTz(own_scan_value(row, PREFERENCE_UNTIL, &isnull));

	if (!isnull && until <= GetCurrentTransactionStartTimestamp())
		return false;
	if (strcmp(preference->scope, "type") == 0)
		return strcmp(preference->id, "*") == 0 || is_same_text(preference->id, question->type);
	if (strcmp(preference->scope, "actor") == 0)
		return is_same_text(preference->id, question->actor_id);
	if (strcmp(preference->scope, "subject") == 0)
		return is_same_text(preference->id, question->subject);
	if (strcmp(preference->scope, "thread") == 0)
		return is_same_text(preference->id, question->thread ? question->thread : question->subject);
	return are_quiet_now(row);
}

/* Returns the preferences of the user that apply to the notification, in the current memory context. */
static List *
find_preferences(const PreferenceQuestion *question, OwnScan *row)
{
	List *found = NIL;
	bool has_own_choice = false;
	bool isnull;
	ListCell *cell;

	own_scan_seek(row, CStringGetTextDatum(question->user_id));
	while (own_scan_next(row))
	{
		Preference *preference = palloc(sizeof(Preference));
		Datum channels;

		preference->scope = own_scan_text(row, PREFERENCE_SCOPE);
		preference->id = own_scan_text(row, PREFERENCE_ID);
		if (strcmp(preference->scope, "type") == 0 && is_same_text(preference->id, question->type))
			has_own_choice = true;
		if (!applies(row, preference, question))
			continue;
		preference->row = ExecCopySlotHeapTuple(row->row);
		channels = own_scan_value(row, PREFERENCE_CHANNELS, &isnull);
		preference->channels = preference_channels(DatumGetArrayTypeP(channels));
		found = lappend(found, preference);
	}
	foreach (cell, found)
	{
		const Preference *preference = lfirst(cell);

		if (has_own_choice && strcmp(preference->scope, "type") == 0 && strcmp(preference->id, "*") == 0)
			found = foreach_delete_current(found, cell);
	}
	return found;
}

PreferenceAnswer
preference_channels(ArrayType *channels)
{
	PreferenceAnswer answer = { channels == NULL, channels == NULL };
	ArrayIterator iterator;
	Datum channel;
	bool isnull;

	if (channels == NULL)
		return answer;
	iterator = array_create_iterator(channels, 0, NULL);
	while (array_iterate(iterator, &channel, &isnull))
	{
		char *name = isnull ? "" : TextDatumGetCString(channel);

		answer.inbox = answer.inbox || strcmp(name, "inbox") == 0;
		answer.live = answer.live || strcmp(name, "live") == 0;
	}
	array_free_iterator(iterator);
	return answer;
}

static PreferenceAnswer
both_leave(PreferenceAnswer a, PreferenceAnswer b)
{
	return (PreferenceAnswer){ a.inbox && b.inbox, a.live && b.live };
}

OwnScan
preference_rows(Snapshot snapshot)
{
	return own_scan_by_index("herald", "preference", "preference_pkey", snapshot);
}

PreferenceAnswer
preference_answer(const PreferenceQuestion *question, PreferenceAnswer by_default, OwnScan *rows)
{
	PreferenceAnswer answer = { true, true };
	bool chosen = false;
	ListCell *cell;

	foreach (cell, find_preferences(question, rows))
	{
		const Preference *preference = lfirst(cell);

		answer = both_leave(answer, preference->channels);
		chosen = chosen || strcmp(preference->scope, "type") == 0;
	}
	return chosen ? answer : both_leave(answer, by_default);
}

PG_FUNCTION_INFO_V1(herald_in_quiet_hours);

/* herald_internal.in_quiet_hours(begins, ends, time_zone, moment) */
Datum
herald_in_quiet_hours(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_within_hours(PG_GETARG_TIMEADT(0), PG_GETARG_TIMEADT(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)));
}

/* Returns the question in the arguments (user_id, type, actor, subject, thread). */
static PreferenceQuestion
question_of(FunctionCallInfo fcinfo)
{
	char *texts[5];

	for (int i = 0; i < lengthof(texts); i++)
		texts[i] = PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
	return (PreferenceQuestion){ texts[0], texts[1], texts[2], texts[3], texts[4] };
}

PG_FUNCTION_INFO_V1(herald_preferences_for);

/* herald_internal.preferences_for(user_id, type, actor, subject, thread) returns the preferences that apply. */
Datum
herald_preferences_for(PG_FUNCTION_ARGS)
{
	PreferenceQuestion question = question_of(fcinfo);
	TupleDesc shape;
	Tuplestorestate *result = query_result_begin(fcinfo, &shape);
	OwnScan rows;
	ListCell *cell;

	if (question.user_id == NULL)
		return (Datum) 0;
	rows = preference_rows(GetActiveSnapshot());
	foreach (cell, find_preferences(&question, &rows))
		tuplestore_puttuple(result, ((Preference *) lfirst(cell))->row);
	own_scan_end(&rows);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(herald_wanted_channels);

/* herald_internal.wanted_channels(user_id, type, actor, subject, thread, by_default) returns (inbox, live). */
Datum
herald_wanted_channels(PG_FUNCTION_ARGS)
{
	PreferenceQuestion question = question_of(fcinfo);
	ArrayType *by_default = PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5);
	TupleDesc shape;
	Tuplestorestate *result = query_result_begin(fcinfo, &shape);
	PreferenceAnswer answer = { true, true };
	bool nulls[2] = { false, false };
	OwnScan rows;

	if (question.user_id != NULL)
	{
		rows = preference_rows(GetActiveSnapshot());
		answer = preference_answer(&question, preference_channels(by_default), &rows);
		own_scan_end(&rows);
	}
	tuplestore_putvalues(result, shape, (Datum[]){ BoolGetDatum(answer.inbox), BoolGetDatum(answer.live) }, nulls);
	return (Datum) 0;
}

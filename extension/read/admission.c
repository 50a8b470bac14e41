/*-------------------------------------------------------------------------
 *
 * admission.c
 *	  Decides for pairs of a user and a room whether the user may be in the room, and finds the keys of the room.
 *
 * 1. The prefix of a room is the part of its name before the first colon.  It says who decides.
 *
 * 2. Users are in their own room and feed.  The watched tables say in which conversations and other feeds they are
 *	  (automatic_rooms.c).
 *
 * 3. All other rooms have checks: a policy of the application, and those compiled from the watched tables
 *	  (table_checks.c).  One check that admits is sufficient.  It takes all pairs of its prefix at once.
 *
 * 4. The keys of a room depend on its name only, not on the user, so they come from every check that knows the room.
 *	  The name and the prefix are keys, too.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

#include "own_table.h"
#include "query.h"
#include "read/room_check.h"
#include "read/table_checks.h"

/* A pair of a user and a room. */
typedef struct AskedRoom
{
	int ordinal;
	Datum user;
	Datum room;
	char *prefix;
	bool done; /* its prefix was asked for */
	bool admitted;
	List *keys; /* of text *, from the checks */
} AskedRoom;

/* One call of herald_internal.admitted(). */
typedef struct Admission
{
	QueryScope scope;
	AskedRoom *asked; /* ascending ordinals */
	int count;
} Admission;

/* ----- the pairs */

/* Returns the part of a room's name before the first colon; NULL: it has none, or nothing is behind it. */
static char *
room_prefix(const char *room)
{
	const char *colon = strchr(room, ':');

	return colon == NULL || colon == room || colon[1] == '\0' ? NULL : pnstrdup(room, colon - room);
}

static void
take_asked(Admission *admission, Datum users, Datum rooms)
{
	Datum *names[2];
	bool *nulls[2];
	int counts[2];

	deconstruct_array(DatumGetArrayTypeP(users), TEXTOID, -1, false, TYPALIGN_INT, &names[0], &nulls[0], &counts[0]);
	deconstruct_array(DatumGetArrayTypeP(rooms), TEXTOID, -1, false, TYPALIGN_INT, &names[1], &nulls[1], &counts[1]);
	admission->asked = palloc0(sizeof(AskedRoom) * (counts[0] + 1));
	for (int i = 0; i < Min(counts[0], counts[1]); i++)
	{
		AskedRoom *asked = &admission->asked[admission->count];
		char *prefix = nulls[0][i] || nulls[1][i] ? NULL : room_prefix(TextDatumGetCString(names[1][i]));

		if (prefix == NULL)
			continue;
		*asked = (AskedRoom){ .ordinal = i + 1, .user = names[0][i], .room = names[1][i], .prefix = prefix };
		admission->count++;
	}
}

/* Returns the pair with an ordinal. */
static AskedRoom *
find_asked(const Admission *admission, int ordinal)
{
	int low = 0;
	int high = admission->count - 1;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (admission->asked[middle].ordinal < ordinal)
			low = middle + 1;
		else
			high = middle;
	}
	return high >= 0 && admission->asked[low].ordinal == ordinal ? &admission->asked[low] : NULL;
}

/* ----- rooms of watched tables' rows that users are in */

/* Those of herald_internal.automatic_prefixes(). */
static bool
is_automatic(const AskedRoom *asked)
{
	return strcmp(asked->prefix, "user") == 0 || strcmp(asked->prefix, "feed") == 0 ||
		   strcmp(asked->prefix, "conversation") == 0;
}

/* Returns whether the room is the user's own room or feed, given that it is an automatic one. */
static bool
is_own(const AskedRoom *asked)
{
	const char *id = TextDatumGetCString(asked->room) + strlen(asked->prefix) + 1;

	return asked->prefix[0] != 'c' && strcmp(id, TextDatumGetCString(asked->user)) == 0;
}

static SavedQuery find_automatic = {
	.name = "the query for automatic rooms",
	.text = "SELECT a.ordinal FROM unnest($1, $2, $3) AS a (ordinal, user_id, room)"
			" JOIN herald_internal.automatic_rooms(ARRAY(SELECT DISTINCT u FROM unnest($2) AS u), $4) AS r ON r.user_id = a.user_id AND r.room = a.room",
	.nargs = 4,
	.argtypes = { INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID },
	.read_only = true,
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* The pairs of one prefix: an array for each column. */
typedef struct PairList
{
	Datum *columns[PAIR_COLUMNS];
	int count;
} PairList;

static PairList
pair_list_new(int limit)
{
	PairList pairs = { 0 };

	for (int column = 0; column < PAIR_COLUMNS; column++)
		pairs.columns[column] = palloc(sizeof(Datum) * (limit + 1));
	return pairs;
}

static void
pair_list_add(PairList *pairs, AskedRoom *asked)
{
	pairs->columns[PAIR_ORDINAL][pairs->count] = Int32GetDatum(asked->ordinal);
	pairs->columns[PAIR_USER][pairs->count] = asked->user;
	pairs->columns[PAIR_ROOM][pairs->count++] = asked->room;
	asked->done = true;
}

static Datum
ordinals(const PairList *pairs)
{
	return PointerGetDatum(construct_array(pairs->columns[PAIR_ORDINAL], pairs->count, INT4OID, sizeof(int32), true,
										   TYPALIGN_INT));
}

static Datum
texts(Datum *elements, int count)
{
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Asks the sources of automatic rooms with the prefix of these pairs. */
static void
ask_sources(Admission *admission, const PairList *pairs, const char *prefix)
{
	Datum beginning = CStringGetTextDatum(psprintf("%s:", prefix));
	Datum values[4] = {
		ordinals(pairs),
		texts(pairs->columns[PAIR_USER], pairs->count),
		texts(pairs->columns[PAIR_ROOM], pairs->count),
		texts(&beginning, 1),
	};
	uint64 rows = query_run(&find_automatic, 1, values, NULL);

	for (uint64 row = 0; row < rows; row++)
	{
		bool isnull;
		AskedRoom *asked = find_asked(admission, DatumGetInt32(query_value(row, 1, &isnull)));

		asked->admitted = true;
	}
}

/* ----- rooms with checks */

static SavedQuery find_policy = {
	.name = "the query for a room policy",
	.text = "SELECT c.sql, c.run_as FROM herald_internal.room_checks($1) AS c WHERE c.is_policy",
	.nargs = 1,
	.argtypes = { TEXTOID },
	.read_only = true,
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* Adds the policy for a prefix, if it may run. */
static List *
add_policy(List *checks, const char *prefix)
{
	Datum value = CStringGetTextDatum(prefix);
	OwnScan scan = own_scan_equal("herald", "room_policy", "room_policy_pkey", value, GetActiveSnapshot());
	bool exists = own_scan_next(&scan);

	own_scan_end(&scan);
	if (exists && query_run(&find_policy, 1, &value, NULL) > 0)
	{
		RoomCheckQuery *policy = palloc(sizeof(RoomCheckQuery));
		bool isnull;

		policy->sql = query_text(0, 1);
		policy->role = DatumGetObjectId(query_value(0, 2, &isnull));
		policy->is_policy = true;
		checks = lappend(checks, policy);
	}
	return checks;
}

static void
add_keys(AskedRoom *asked, Datum array)
{
	Datum *keys;
	bool *nulls;
	int count;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &keys, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (!nulls[i])
			asked->keys = lappend(asked->keys, DatumGetTextPP(keys[i]));
	}
}

/* Takes the results of checks. */
static void
take_answers(Admission *admission, Tuplestorestate *answers)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(room_check_shape(), &TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(answers, true, true, slot))
	{
		AskedRoom *asked = NULL;

		slot_getallattrs(slot);
		if (!slot->tts_isnull[ANSWER_ORDINAL])
			asked = find_asked(admission, DatumGetInt32(slot->tts_values[ANSWER_ORDINAL]));
		if (asked == NULL)
			continue;
		asked->admitted |= !slot->tts_isnull[ANSWER_ADMITTED] && DatumGetBool(slot->tts_values[ANSWER_ADMITTED]);
		if (!slot->tts_isnull[ANSWER_KEYS])
			add_keys(asked, datumCopy(slot->tts_values[ANSWER_KEYS], false, -1));
	}
	ExecDropSingleTupleTableSlot(slot);
}

static void
run_checks(Admission *admission, const PairList *pairs, const char *prefix)
{
	Tuplestorestate *answers = tuplestore_begin_heap(false, false, work_mem);
	ListCell *cell;

	foreach (cell, add_policy(table_checks_find(prefix), prefix))
		room_check_run(&admission->scope, lfirst(cell), pairs->columns, pairs->count, answers);
	take_answers(admission, answers);
	tuplestore_end(answers);
}

/* Decides on all pairs from the first one on that have its prefix. */
static void
decide_prefix(Admission *admission, int first)
{
	const char *prefix = admission->asked[first].prefix;
	bool automatic = is_automatic(&admission->asked[first]);
	PairList pairs = pair_list_new(admission->count);

	for (int i = first; i < admission->count; i++)
	{
		AskedRoom *asked = &admission->asked[i];

		if (asked->done || strcmp(asked->prefix, prefix) != 0)
			continue;
		if (automatic && is_own(asked))
			asked->admitted = asked->done = true;
		else
			pair_list_add(&pairs, asked);
	}
	if (pairs.count == 0)
		return;
	if (automatic)
		ask_sources(admission, &pairs, prefix);
	else
		run_checks(admission, &pairs, prefix);
}

/* ----- the result */

static int
compare_keys(const void *a, const void *b)
{
	const Datum *left = a;
	const Datum *right = b;

	return DatumGetInt32(DirectFunctionCall2Coll(bttextcmp, DEFAULT_COLLATION_OID, *left, *right));
}

/* Returns the keys of a room: its name, and then the others in their order, each once. */
static Datum
room_keys(const AskedRoom *asked)
{
	Datum *keys = palloc(sizeof(Datum) * (list_length(asked->keys) + 2));
	int count = 0;
	int kept = 1;
	ListCell *cell;

	keys[count++] = asked->room;
	keys[count++] = CStringGetTextDatum(asked->prefix);
	foreach (cell, asked->keys)
		keys[count++] = PointerGetDatum(lfirst(cell));
	qsort(&keys[1], count - 1, sizeof(Datum), compare_keys);
	for (int i = 1; i < count; i++)
	{
		if (compare_keys(&keys[i], &keys[0]) != 0 && (kept == 1 || compare_keys(&keys[i], &keys[kept - 1]) != 0))
			keys[kept++] = keys[i];
	}
	return texts(keys, kept);
}

PG_FUNCTION_INFO_V1(herald_admitted);

/*
 * herald_internal.admitted(users, rooms) returns the ordinals of the pairs of which the user may be in the room, each
 * with the keys of the room.
 */
Datum
herald_admitted(PG_FUNCTION_ARGS)
{
	TupleDesc shape;
	Tuplestorestate *out = query_result_begin(fcinfo, &shape);
	Admission admission = { 0 };

	query_begin(&admission.scope);
	take_asked(&admission, PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
	for (int i = 0; i < admission.count; i++)
	{
		if (!admission.asked[i].done)
			decide_prefix(&admission, i);
	}
	for (int i = 0; i < admission.count; i++)
	{
		const AskedRoom *asked = &admission.asked[i];
		Datum values[2] = { Int32GetDatum(asked->ordinal) };
		bool nulls[2] = { false };

		if (!asked->admitted)
			continue;
		values[1] = room_keys(asked);
		tuplestore_putvalues(out, shape, values, nulls);
	}
	query_end(&admission.scope);
	return (Datum) 0;
}

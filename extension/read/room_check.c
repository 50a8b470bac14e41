/*-------------------------------------------------------------------------
 *
 * room_check.c
 *	  Checks for pairs of a user and a room whether the user may be in the room.
 *
 * A check is a query that takes all pairs at once.  It reads a watched table as the
 * owner of the table, or calls a policy as the role that registered it.  If it fails,
 * it runs for either half of the pairs, and so on.  So one bad pair harms no other, and
 * costs about twice as much as all pairs together.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "admin/role_settings.h"
#include "message.h"
#include "query.h"
#include "query_cache.h"
#include "read/room_check.h"
#include "subtransaction.h"

static const Oid answer_types[ANSWER_COLUMNS] = { INT4OID, BOOLOID, TEXTARRAYOID };
static const Oid pair_arrays[PAIR_COLUMNS] = { INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID };

/* One run of a check. */
typedef struct RoomCheck
{
	Tuplestorestate *out;
	QueryScope *scope;
	RoomCheckQuery query;
	Datum *pairs[PAIR_COLUMNS];
	int first; /* the pairs that run_check() asks for */
	int count;
	int failed;		  /* number of failed pairs */
	int failed_pair;  /* one of them ... */
	ErrorData *error; /* ... and its error */
} RoomCheck;

/* Takes a column of the pairs; returns their number. */
static int
take_pairs(RoomCheck *check, int column, ArrayType *array)
{
	Datum **elements = &check->pairs[column];
	int count;

	if (pair_arrays[column] == INT4ARRAYOID)
		deconstruct_array(array, INT4OID, sizeof(int32), true, TYPALIGN_INT, elements, NULL, &count);
	else
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, elements, NULL, &count);
	return count;
}

static Datum
array_of(const RoomCheck *check, int column)
{
	Datum *elements = check->pairs[column] + check->first;

	if (pair_arrays[column] == INT4ARRAYOID)
		return PointerGetDatum(construct_array(elements, check->count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	return PointerGetDatum(construct_array(elements, check->count, TEXTOID, -1, false, TYPALIGN_INT));
}

TupleDesc
room_check_shape(void)
{
	static const QueryColumn columns[] = { { "ordinal", INT4OID }, { "admitted", BOOLOID }, { "keys", TEXTARRAYOID } };
	static TupleDesc shape = NULL;

	return query_shape(&shape, columns, lengthof(columns));
}

/* Runs the check for the pairs and adds its rows to the result. */
static void
run_check(void *argument)
{
	RoomCheck *check = argument;
	SavedQuery query = { .name = "a check of access to rooms", .text = check->query.sql, .nargs = PAIR_COLUMNS, .read_only = true, .keeps_path = check->query.is_policy };
	Datum values[PAIR_COLUMNS];
	uint64 rows;

	for (int column = 0; column < PAIR_COLUMNS; column++)
	{
		query.argtypes[column] = pair_arrays[column];
		values[column] = array_of(check, column);
	}
	rows = query_cache_run(&query, values, answer_types, ANSWER_COLUMNS);
	for (uint64 row = 0; row < rows; row++)
	{
		Datum answer[ANSWER_COLUMNS];
		bool nulls[ANSWER_COLUMNS];

		for (int column = 0; column < ANSWER_COLUMNS; column++)
			answer[column] = query_value(row, column + 1, &nulls[column]);
		tuplestore_putvalues(check->out, room_check_shape(), answer, nulls);
	}
}

/* A malformed id belongs to no row: that is no failure. */
static void
note_failure(RoomCheck *check, ErrorData *error)
{
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION)
		return;
	check->failed++;
	check->failed_pair = check->first;
	check->error = error;
}

/* Each run begins with fresh settings: an earlier one may have changed them. */
static void
check_pairs(RoomCheck *check, int first, int count)
{
	ErrorData *error;

	check->first = first;
	check->count = count;
	query_lend(check->scope, check->query.role);
	if (check->query.is_policy)
		role_settings_apply(check->query.role);
	error = subtransaction_run(run_check, check);
	if (error == NULL)
		return;
	if (count == 1)
		note_failure(check, error);
	else
	{
		check_pairs(check, first, count / 2);
		check_pairs(check, first + count / 2, count - count / 2);
	}
}

static char *
name_of(const RoomCheck *check, int column)
{
	return message_line(TextDatumGetCString(check->pairs[column][check->failed_pair]), MESSAGE_LONGEST_NAME);
}

/* A check that has failed in this session. */
typedef struct FailedCheck
{
	uint64 hash; /* of its query and role */
	TimestampTz next_warning;
} FailedCheck;

#define WARNING_INTERVAL_MS (60 * 1000)
#define MOST_FAILED_CHECKS 1000

static FailedCheck *
find_failed_check(const RoomCheckQuery *query, bool *known)
{
	static HTAB *failed_checks;
	HASHCTL shape = { .keysize = sizeof(uint64), .entrysize = sizeof(FailedCheck) };
	uint64 hash = hash_bytes_extended((const unsigned char *) query->sql, (int) strlen(query->sql), query->role);

	if (failed_checks != NULL && hash_get_num_entries(failed_checks) >= MOST_FAILED_CHECKS)
	{
		hash_destroy(failed_checks);
		failed_checks = NULL;
	}
	if (failed_checks == NULL)
		failed_checks = hash_create("pg_herald failed checks", 16, &shape, HASH_ELEM | HASH_BLOBS);
	return hash_search(failed_checks, &hash, HASH_ENTER, known);
}

/* The log of the server gets a warning a minute for each check, because clients choose how often they ask. */
static int
report_level(const RoomCheckQuery *query)
{
	TimestampTz now = GetCurrentTimestamp();
	bool known;
	FailedCheck *failed = find_failed_check(query, &known);

	if (known && now < failed->next_warning)
		return NOTICE;
	failed->next_warning = TimestampTzPlusMilliseconds(now, WARNING_INTERVAL_MS);
	return WARNING;
}

/* One line for all failures: their number is up to clients, too. */
static void
report_failures(const RoomCheck *check)
{
	if (check->failed == 0)
		return;
	ereport(report_level(&check->query), (errmsg("user \"%s\" may not join room \"%s\": %s", name_of(check, PAIR_USER),
												 name_of(check, PAIR_ROOM), check->error->message),
										  check->failed > 1 ? errdetail("The check failed for %d users and rooms.", check->failed) : 0));
}

void
room_check_run(QueryScope *scope, const RoomCheckQuery *query, Datum *const *pairs, int count, Tuplestorestate *out)
{
	RoomCheck check = { .out = out, .scope = scope, .query = *query };

	memcpy(check.pairs, pairs, sizeof(check.pairs));
	if (count > 0)
		check_pairs(&check, 0, count);
	query_reclaim(scope);
	report_failures(&check);
}

PG_FUNCTION_INFO_V1(herald_run_room_check);

/*
 * herald_internal.run_room_check(sql, role, is_policy, ordinals, users, rooms) runs a check, which
 * returns for each pair that it knows: its ordinal, whether it is admitted, and the keys of the room.
 */
Datum
herald_run_room_check(PG_FUNCTION_ARGS)
{
	RoomCheckQuery query = { text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_OID(1), PG_GETARG_BOOL(2) };
	RoomCheck check = { 0 };
	TupleDesc shape;
	Tuplestorestate *out = query_result_begin(fcinfo, &shape);
	QueryScope scope;
	int count = 0;

	Assert(shape->natts == ANSWER_COLUMNS);
	query_begin(&scope);
	for (int column = 0; column < PAIR_COLUMNS; column++)
		count = take_pairs(&check, column, PG_GETARG_ARRAYTYPE_P(3 + column));
	room_check_run(&scope, &query, check.pairs, count, out);
	query_end(&scope);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(herald_try_policy);

/* herald_internal.try_policy(sql, role, room) asks a policy for a user without a name.  An error in it is raised. */
Datum
herald_try_policy(PG_FUNCTION_ARGS)
{
	SavedQuery query = { .name = "a room policy", .text = text_to_cstring(PG_GETARG_TEXT_PP(0)), .nargs = PAIR_COLUMNS, .read_only = true, .keeps_path = true };
	Datum pair[PAIR_COLUMNS] = { Int32GetDatum(1), CStringGetTextDatum(""), PG_GETARG_DATUM(2) };
	RoomCheck check = { .count = 1 };
	QueryScope scope;

	for (int column = 0; column < PAIR_COLUMNS; column++)
	{
		check.pairs[column] = &pair[column];
		query.argtypes[column] = pair_arrays[column];
		pair[column] = array_of(&check, column);
	}
	query_begin(&scope);
	query_lend(&scope, PG_GETARG_OID(1));
	role_settings_apply(PG_GETARG_OID(1));
	query_run_once(&query, pair, answer_types, ANSWER_COLUMNS);
	query_end(&scope);
	PG_RETURN_VOID();
}

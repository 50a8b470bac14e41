/*-------------------------------------------------------------------------
 *
 * automatic_rooms.c
 *	  Finds the rooms that users are in by the rows of the application's tables.
 *
 * A room source is a query over a watched table: it takes user ids and returns
 * pairs of a user and a room.  Each runs as the owner of its table, and returns
 * only rooms of its kind: conversations or feeds.  If it fails, it runs for each user
 * alone.  The log gets one line about all failures of a source, at most one a minute.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "query.h"
#include "query_cache.h"
#include "subtransaction.h"

static SavedQuery find_room_sources = {
	.name = "the query for sources of rooms",
	.text = "SELECT s.sql, k.relowner, s.prefix, s.relation, s.relation::text FROM herald_internal.room_source AS s JOIN pg_class AS k ON k.oid = s.relation"
			" WHERE s.prefix = ANY ($1) ORDER BY s.relation, s.kind",
	.nargs = 1,
	.argtypes = { TEXTARRAYOID },
	.read_only = true,
	.cursor_options = CURSOR_OPT_GENERIC_PLAN,
};

/* One run of a room source, and the result of the function that it adds to. */
typedef struct RoomSearch
{
	Tuplestorestate *out;
	TupleDesc shape;
	const char *sql;
	const char *prefix; /* rooms with another beginning are left out */
	Oid relation;
	const char *table; /* its name */
	Datum users;	   /* text[] */
	int failed;		   /* number of users with a failure of their own */
	ErrorData *error;  /* of the latest failure; NULL: there was none */
} RoomSearch;

/* The table of a source that has failed in this session. */
typedef struct FailedSource
{
	Oid relation;
	TimestampTz silent_until; /* later failures are not reported before this time */
} FailedSource;

#define REPORT_INTERVAL_MS (60 * 1000)

static bool
begins_with(Datum room, const char *prefix)
{
	const text *name = DatumGetTextPP(room);

	return VARSIZE_ANY_EXHDR(name) > strlen(prefix) && memcmp(VARDATA_ANY(name), prefix, strlen(prefix)) == 0;
}

/* Runs the source and adds the pairs that it returns. */
static void
room_search_run(void *argument)
{
	RoomSearch *search = argument;
	SavedQuery source = { .name = "a source of rooms", .text = search->sql, .nargs = 1, .argtypes = { TEXTARRAYOID }, .read_only = true };
	static const Oid types[] = { TEXTOID, TEXTOID };
	uint64 rows = query_cache_run(&source, &search->users, types, lengthof(types));

	for (uint64 row = 0; row < rows; row++)
	{
		Datum values[2];
		bool nulls[2];

		values[0] = query_value(row, 1, &nulls[0]);
		values[1] = query_value(row, 2, &nulls[1]);
		if (!nulls[0] && !nulls[1] && begins_with(values[1], search->prefix))
			tuplestore_putvalues(search->out, search->shape, values, nulls);
	}
}

/* Runs the source; returns false if it failed, and then adds nothing but notes the error. */
static bool
room_search_try(RoomSearch *search)
{
	ErrorData *error = subtransaction_run(room_search_run, search);

	if (error != NULL)
		search->error = error;
	return error == NULL;
}

/* Returns whether the latest report on a table is long ago, and notes the next one. */
static bool
may_report(Oid relation)
{
	static HTAB *sources;
	HASHCTL shape = { .keysize = sizeof(Oid), .entrysize = sizeof(FailedSource) };
	TimestampTz now = GetCurrentTimestamp();
	FailedSource *source;
	bool known;

	if (sources == NULL)
		sources = hash_create("pg_herald failed sources of rooms", 16, &shape, HASH_ELEM | HASH_BLOBS);
	source = hash_search(sources, &relation, HASH_ENTER, &known);
	if (known && now < source->silent_until)
		return false;
	source->silent_until = TimestampTzPlusMilliseconds(now, REPORT_INTERVAL_MS);
	return true;
}

/* The number of failures is up to clients. */
static void
report_source(const RoomSearch *search)
{
	if (search->failed == 0 || !may_report(search->relation))
		return;
	Assert(search->error != NULL);
	ereport(WARNING, (errmsg("could not find the rooms \"%s...\" of table %s: %s", search->prefix,
							 search->table, search->error->message),
					  errdetail_plural("The query failed for %d user.", "The query failed for %d users.", search->failed,
									   search->failed),
					  errhint("Watch the table again if its columns have changed.")));
}

/* Runs the source once for each user, so that one bad id harms no other user. */
static void
room_search_each(RoomSearch *search, ArrayType *users)
{
	Datum *elements;
	bool *nulls;
	int count;

	deconstruct_array(users, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			continue;
		search->users = PointerGetDatum(construct_array(&elements[i], 1, TEXTOID, -1, false, TYPALIGN_INT));
		if (!room_search_try(search))
			search->failed++;
	}
}

PG_FUNCTION_INFO_V1(herald_automatic_rooms);

/* herald_internal.automatic_rooms(users, prefixes) returns the rooms of users with these prefixes. */
Datum
herald_automatic_rooms(PG_FUNCTION_ARGS)
{
	ArrayType *users = PG_GETARG_ARRAYTYPE_P(0);
	Datum prefixes = PG_GETARG_DATUM(1);
	RoomSearch search;
	QueryScope scope;
	uint64 sources;
	SPITupleTable *found;

	search.out = query_result_begin(fcinfo, &search.shape);
	if (ArrayGetNItems(ARR_NDIM(users), ARR_DIMS(users)) == 0)
		return (Datum) 0;
	query_begin(&scope);
	sources = query_run(&find_room_sources, 1, &prefixes, NULL);
	found = SPI_tuptable;
	for (uint64 i = 0; i < sources; i++)
	{
		bool isnull;

		search.sql = SPI_getvalue(found->vals[i], found->tupdesc, 1);
		search.prefix = SPI_getvalue(found->vals[i], found->tupdesc, 3);
		search.relation = DatumGetObjectId(SPI_getbinval(found->vals[i], found->tupdesc, 4, &isnull));
		search.table = SPI_getvalue(found->vals[i], found->tupdesc, 5);
		search.users = PointerGetDatum(users);
		search.failed = 0;
		search.error = NULL;
		query_lend(&scope, DatumGetObjectId(SPI_getbinval(found->vals[i], found->tupdesc, 2, &isnull)));
		if (!room_search_try(&search))
			room_search_each(&search, users);
		query_reclaim(&scope);
		report_source(&search);
	}
	query_end(&scope);
	return (Datum) 0;
}

/*-------------------------------------------------------------------------
 *
 * automatic_rooms.c
 *	  Finds the rooms that users are in by the rows of the application's tables.
 *
 * A room source is a query over a watched table: it takes user ids and returns
 * pairs of a user and a room.  Each runs as the owner of its table, and returns
 * only rooms of its kind: conversations or feeds.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "query.h"
#include "query_cache.h"
#include "subtransaction.h"

static SavedQuery find_room_sources = {
	.name = "the query for sources of rooms",
	.text = "SELECT s.sql, k.relowner, s.prefix FROM herald_internal.room_source AS s JOIN pg_class AS k ON k.oid = s.relation"
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
	Datum users;		/* text[] */
} RoomSearch;

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

/* Runs the source; returns false if it failed, and then adds nothing. */
static bool
room_search_try(RoomSearch *search)
{
	ErrorData *error = subtransaction_run(room_search_run, search);

	if (error != NULL)
		ereport(DEBUG1, (errmsg("a source of rooms failed: %s", error->message)));
	return error == NULL;
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
			ereport(WARNING, (errmsg("could not find the rooms of user \"%s\"", TextDatumGetCString(elements[i])),
							  errdetail("The query was: %s", search->sql)));
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
		search.users = PointerGetDatum(users);
		query_lend(&scope, DatumGetObjectId(SPI_getbinval(found->vals[i], found->tupdesc, 2, &isnull)));
		if (!room_search_try(&search))
			room_search_each(&search, users);
	}
	query_end(&scope);
	return (Datum) 0;
}

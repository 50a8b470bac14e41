/*-------------------------------------------------------------------------
 *
 * run_as.c
 *	  Runs SQL of the application on its behalf: totals and automatic rooms as
 *	  the owner of their table, exposed functions as the role that was given.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "query.h"

static SavedQuery find_counter = {
	.name = "the query for a counter",
	.text = "SELECT c.count_sql, c.owner_sql, k.relowner, k.oid FROM herald.counter AS c"
			" JOIN pg_class AS k ON k.oid = c.relation WHERE c.id = $1",
	.nargs = 1,
	.argtypes = { INT4OID },
	.read_only = true,
};

/* Its columns. */
enum
{
	COUNTER_COUNT = 1,
	COUNTER_OWNER,
	COUNTER_ROLE,
	COUNTER_TABLE
};

static SavedQuery find_room_sources = {
	.name = "the query for sources of rooms",
	.text = "SELECT s.sql, k.relowner FROM herald.room_source AS s JOIN pg_class AS k ON k.oid = s.relation"
			" WHERE s.kind = ANY ($1) ORDER BY s.relation, s.kind",
	.nargs = 1,
	.argtypes = { TEXTARRAYOID },
	.read_only = true,
};

/*
 * Does some work in a subtransaction.  When it fails, that is said at the given
 * level, nothing is left behind, and the answer is false.
 */
static bool
attempt(void (*work)(void *), void *subject, int level, const char *failure)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool worked = true;

	BeginInternalSubTransaction("pg_herald");
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		work(subject);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		worked = false;
		ereport(level, (errmsg("%s: %s", failure, error->message)));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return worked;
}

/* One question about one subject. */
typedef struct Question
{
	const char *sql;
	Datum id;
	Datum answer;
	bool isnull;
} Question;

static void
ask(void *subject)
{
	Question *question = subject;
	SavedQuery query = { .name = "the query of a counter", .text = question->sql, .nargs = 1, .argtypes = { TEXTOID }, .read_only = true };

	if (query_run_once(&query, &question->id) == 1)
		question->answer = query_value(0, 1, &question->isnull);
	if (!question->isnull && SPI_gettypeid(SPI_tuptable->tupdesc, 1) == TEXTOID)
		question->answer = SPI_datumTransfer(question->answer, false, -1);
}

/*
 * Asks one of a counter's queries of the application's table.  NULL when that
 * fails, for example because a column has another name now, or when the table is
 * locked: an event is delivered without its total rather than late or not at all.
 */
static Datum
ask_counter(FunctionCallInfo fcinfo, int column, const char *failure)
{
	Datum counter = PG_GETARG_DATUM(0);
	Question question = { .id = PG_GETARG_DATUM(1), .isnull = true };
	QueryScope scope;

	query_begin(&scope, query_extension_owner(), false);
	if (query_run(&find_counter, 1, &counter, NULL) == 1)
	{
		bool isnull;
		Oid relation = DatumGetObjectId(query_value(0, COUNTER_TABLE, &isnull));

		question.sql = query_text(0, column);
		query_become(&scope, DatumGetObjectId(query_value(0, COUNTER_ROLE, &isnull)), true);
		if (question.sql != NULL && ConditionalLockRelationOid(relation, AccessShareLock) &&
			!attempt(ask, &question, WARNING, failure))
			question.isnull = true;
	}
	query_end(&scope);
	if (question.isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(question.answer);
}

PG_FUNCTION_INFO_V1(herald_count_now);
PG_FUNCTION_INFO_V1(herald_owner_now);

/* herald.count_now(counter, id): how many rows there are for a subject. */
Datum
herald_count_now(PG_FUNCTION_ARGS)
{
	return ask_counter(fcinfo, COUNTER_COUNT, "a total cannot be counted");
}

/* herald.owner_now(counter, id): whom a subject belongs to. */
Datum
herald_owner_now(PG_FUNCTION_ARGS)
{
	return ask_counter(fcinfo, COUNTER_OWNER, "the owner of a subject cannot be found");
}

/* One call of herald.automatic_rooms(), and what it asks at the snapshot. */
typedef struct RoomSearch
{
	Tuplestorestate *out;
	TupleDesc shape;
	const char *sql;
	Datum users;
} RoomSearch;

/* Runs one source for some users and puts out what it finds. */
static void
search_source(void *subject)
{
	RoomSearch *search = subject;
	SavedQuery source = { .name = "a source of rooms", .text = search->sql, .nargs = 1, .argtypes = { TEXTARRAYOID }, .read_only = true };
	uint64 rows = query_run_once(&source, &search->users);

	for (uint64 row = 0; row < rows; row++)
	{
		Datum values[2];
		bool nulls[2];

		values[0] = query_value(row, 1, &nulls[0]);
		values[1] = query_value(row, 2, &nulls[1]);
		if (!nulls[0] && !nulls[1])
			tuplestore_putvalues(search->out, search->shape, values, nulls);
	}
}

/* A source that fails for all users at once is asked user by user: one bad id harms nobody else. */
static void
search_one_by_one(RoomSearch *search, ArrayType *users)
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
		if (!attempt(search_source, search, DEBUG1, "a source of rooms failed"))
			ereport(WARNING, (errmsg("the rooms of user \"%s\" could not be found", TextDatumGetCString(elements[i])),
							  errdetail("The query was: %s", search->sql)));
	}
}

PG_FUNCTION_INFO_V1(herald_automatic_rooms);

/* herald.automatic_rooms(users, kinds): the rooms that follow from the application's tables. */
Datum
herald_automatic_rooms(PG_FUNCTION_ARGS)
{
	ArrayType *users = PG_GETARG_ARRAYTYPE_P(0);
	Datum kinds = PG_GETARG_DATUM(1);
	RoomSearch search;
	QueryScope scope;
	uint64 sources;
	SPITupleTable *found;

	search.out = query_result_begin(fcinfo, &search.shape);
	query_begin(&scope, query_extension_owner(), false);
	sources = query_run(&find_room_sources, 1, &kinds, NULL);
	found = SPI_tuptable;
	for (uint64 i = 0; i < sources; i++)
	{
		bool isnull;

		search.sql = SPI_getvalue(found->vals[i], found->tupdesc, 1);
		search.users = PointerGetDatum(users);
		query_become(&scope, DatumGetObjectId(SPI_getbinval(found->vals[i], found->tupdesc, 2, &isnull)), true);
		if (!attempt(search_source, &search, DEBUG1, "a source of rooms failed"))
			search_one_by_one(&search, users);
	}
	query_end(&scope);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(herald_call_as);

/*
 * herald.call_as(function, role, user_id, payload): calls an exposed function as
 * the role that it was exposed with.  It finds its tables as in a session of its
 * own: our callers have pinned the search path, which is not for the application.
 */
Datum
herald_call_as(PG_FUNCTION_ARGS)
{
	Oid function = PG_GETARG_OID(0);
	Oid saved_role;
	int saved_security;
	int guc_level = NewGUCNestLevel();
	FmgrInfo flinfo;
	LOCAL_FCINFO(call, 2);
	Datum result;

	GetUserIdAndSecContext(&saved_role, &saved_security);
	SetUserIdAndSecContext(PG_GETARG_OID(1), saved_security | SECURITY_LOCAL_USERID_CHANGE);
	(void) set_config_option("search_path", GetConfigOptionResetString("search_path"), PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*call, &flinfo, 2, DEFAULT_COLLATION_OID, NULL, NULL);
	for (int i = 0; i < 2; i++)
	{
		call->args[i].value = PG_GETARG_DATUM(i + 2);
		call->args[i].isnull = PG_ARGISNULL(i + 2);
	}
	result = FunctionCallInvoke(call);
	AtEOXact_GUC(true, guc_level);
	SetUserIdAndSecContext(saved_role, saved_security);
	if (call->isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

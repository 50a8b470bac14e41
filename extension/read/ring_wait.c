/*-------------------------------------------------------------------------
 *
 * ring_wait.c
 *	  Waits in the server for commits of events, for the reader of a bridge.
 *
 * A bridge sends CALL herald_internal.await_ring() and the query for the next page
 * together.  The page is read in the backend that the writer has woken: no process
 * lies between.
 *
 * The procedure commits before it waits.  While it waits, the backend has no snapshot,
 * no lock and no transaction id, so that it holds back neither VACUUM nor a command.
 * It commits again after that: the page is read in the same transaction of the protocol,
 * and now() must not be the time at which the wait began.
 * The wait is no part of the statement's duration: no log of slow statements shows idle
 * bridges.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "query_commit.h"
#include "reader_slot.h"

PG_FUNCTION_INFO_V1(herald_reader_id);
PG_FUNCTION_INFO_V1(herald_ring_reader);
PG_FUNCTION_INFO_V1(herald_await_ring);

/* herald_internal.reader_id() returns the id of this backend as a reader; NULL: it cannot wait in this server. */
Datum
herald_reader_id(PG_FUNCTION_ARGS)
{
	if (!reader_slot_exists())
		PG_RETURN_NULL();
	reader_slot_enter();
	PG_RETURN_INT32(MyProcPid);
}

/* herald_internal.ring_reader(id) ends the wait of a reader. */
Datum
herald_ring_reader(PG_FUNCTION_ARGS)
{
	reader_slot_ring_one(PG_GETARG_INT32(0));
	PG_RETURN_VOID();
}

/* herald_internal.await_ring(milliseconds, INOUT rung) waits for a ring, at most for that time. */
Datum
herald_await_ring(PG_FUNCTION_ARGS)
{
	TupleDesc shape;
	Datum rung;
	bool isnull = false;

	if (PG_ARGISNULL(0) || PG_GETARG_INT32(0) < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("herald_internal.await_ring() needs a time of zero or more milliseconds")));
	if (!reader_slot_exists())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("nobody can wait for commits, because pg_herald is not preloaded")));
	if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "await_ring() is no procedure with a result");
	shape = BlessTupleDesc(shape);
	reader_slot_enter();
	query_commit(fcinfo);
	rung = BoolGetDatum(reader_slot_wait(PG_GETARG_INT32(0)));
	SetCurrentStatementStartTimestamp();
	query_commit(fcinfo);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(shape, &rung, &isnull)));
}

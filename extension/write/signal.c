/*-------------------------------------------------------------------------
 *
 * signal.c
 *	  Writes signals, which bridges relay and the event log does not hold.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"

#include "query.h"
#include "write/doorbell.h"

static SavedQuery append_signal = {
	.name = "the insert of a signal",
	.text = "INSERT INTO herald_internal.signal (rooms, name, payload, key, except_user) VALUES ($1, $2, $3, $4, $5)",
	.nargs = 5,
	.argtypes = { TEXTARRAYOID, TEXTOID, JSONOID, TEXTOID, TEXTOID },
};

PG_FUNCTION_INFO_V1(herald_append_signal);

/* herald_internal.append_signal(rooms, event, payload, key, except_user) writes a signal and rings the doorbell. */
Datum
herald_append_signal(PG_FUNCTION_ARGS)
{
	QueryScope scope;
	Datum values[QUERY_MAX_ARGS];
	char nulls[QUERY_MAX_ARGS + 1] = { 0 };

	Assert(PG_NARGS() == append_signal.nargs);
	for (int i = 0; i < append_signal.nargs; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	query_begin(&scope);
	query_run(&append_signal, 1, values, nulls);
	doorbell_ring();
	query_end(&scope);
	PG_RETURN_VOID();
}

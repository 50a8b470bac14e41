/*-------------------------------------------------------------------------
 *
 * time_limit.c
 *	  Runs a function for a limited time.
 *
 * A statement_timeout is armed by the main loop of a session.  A background worker has
 * none, and the error of one does not tell whose limit has passed.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#include "time_limit.h"

/* Work that catches the cancellation, and goes on, is cancelled again. */
#define REPEAT_MS 100

static TimeoutId limit = MAX_TIMEOUTS; /* MAX_TIMEOUTS: not registered in this process */
static volatile sig_atomic_t has_passed = false;

/* Runs in a signal handler. */
static void
cancel_work(void)
{
	has_passed = true;
	InterruptPending = true;
	QueryCancelPending = true;
	enable_timeout_after(limit, REPEAT_MS);
}

/* Returns whether the limit has passed since it was set. */
static bool
end_limit(void)
{
	disable_timeout(limit, false);
	if (has_passed)
		QueryCancelPending = false;
	return has_passed;
}

static void
replace_cancellation(MemoryContext caller, int milliseconds)
{
	ErrorData *error;

	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	if (error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		PG_RE_THROW();
	FlushErrorState();
	ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
					errmsg("the work took longer than %d ms", milliseconds)));
}

void
time_limit_run(void (*work)(void *argument), void *argument, int milliseconds)
{
	MemoryContext caller = CurrentMemoryContext;

	Assert(work != NULL && milliseconds > 0);
	if (limit == MAX_TIMEOUTS)
		limit = RegisterTimeout(USER_TIMEOUT, cancel_work);
	has_passed = false;
	enable_timeout_after(limit, milliseconds);
	PG_TRY();
	{
		work(argument);
		(void) end_limit();
	}
	PG_CATCH();
	{
		if (end_limit())
			replace_cancellation(caller, milliseconds);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

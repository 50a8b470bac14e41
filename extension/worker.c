/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The background worker of a database: rings for all its writers, and does
 *	  what must not be done in their transactions.
 *
 * Whoever commits events sets the worker's latch.  The worker sends one NOTIFY
 * for all that came in meanwhile, in a transaction that waits for no disk, and
 * not more often than once a millisecond.  While there is activity it calls
 * herald.maintain() once a second; when there is none it sleeps and writes
 * nothing.
 *
 * What fails is tried again a second later.  Meanwhile the worker still serves:
 * without one, writers would have to NOTIFY themselves, and fail where it did.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "write/doorbell.h"
#include "query.h"
#include "read/server_start.h"
#include "settings.h"
#include "worker.h"

#define RING_INTERVAL_MS 1
#define MAINTENANCE_INTERVAL_MS 1000
#define IDLE_INTERVAL_MS 60000
#define RETRY_INTERVAL_MS 1000

PGDLLEXPORT void herald_worker_main(Datum database);

static SavedQuery maintain = {
	.name = "herald.maintain()",
	.text = "SELECT herald.maintain(wait => false)",
};

/* Runs one step in a transaction of its own, which waits for no disk. */
static void
run_step(void (*step)(void), const char *activity)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, activity);
	step();
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* The same, but an error is only reported. */
static void
try_step(void (*step)(void), const char *activity)
{
	PG_TRY();
	{
		run_step(step, activity);
	}
	PG_CATCH();
	{
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		pgstat_report_activity(STATE_IDLE, NULL);
		pg_usleep(RETRY_INTERVAL_MS * 1000L);
		SetLatch(MyLatch);
	}
	PG_END_TRY();
}

static bool extension_exists;

static void
look_for_extension(void)
{
	extension_exists = OidIsValid(get_extension_oid("pg_herald", true));
}

static void
run_maintenance(void)
{
	QueryScope scope;

	if (!OidIsValid(get_extension_oid("pg_herald", true)))
		return;
	query_begin(&scope, query_extension_owner(), false);
	query_run(&maintain, 1, NULL, NULL);
	query_end(&scope);
}

static void
record_start(void)
{
	QueryScope scope;

	if (!OidIsValid(get_extension_oid("pg_herald", true)))
		return;
	query_begin(&scope, query_extension_owner(), false);
	(void) server_start_current();
	query_end(&scope);
}

/* Sleeps until the latch is set or the time has passed; true: it was set. */
static bool
wait_for_ring(long milliseconds)
{
	int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
						   PG_WAIT_EXTENSION);

	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	return (events & WL_LATCH_SET) != 0;
}

static void
wait_for_extension(void)
{
	run_step(look_for_extension, "looking for the extension");
	while (!extension_exists)
	{
		wait_for_ring(1000);
		run_step(look_for_extension, "looking for the extension");
	}
}

/* By a clock that nobody sets. */
static long
milliseconds_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return (long) INSTR_TIME_GET_MILLISEC(now);
}

static void
serve(void)
{
	instr_time maintained;
	bool work_left = true;

	INSTR_TIME_SET_ZERO(maintained);
	for (;;)
	{
		bool rung = wait_for_ring(work_left ? MAINTENANCE_INTERVAL_MS : IDLE_INTERVAL_MS);

		if (rung)
		{
			try_step(doorbell_notify, "ringing");
			work_left = true;
		}
		if (work_left && milliseconds_since(maintained) >= MAINTENANCE_INTERVAL_MS)
		{
			INSTR_TIME_SET_CURRENT(maintained);
			work_left = false;
			try_step(run_maintenance, "maintenance");
		}
		if (rung)
			pg_usleep(RING_INTERVAL_MS * 1000L);
	}
}

void
herald_worker_main(Datum index)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(MyBgworkerEntry->bgw_extra, NULL, 0);
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("jit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	wait_for_extension();
	run_step(record_start, "recording the start");
	doorbell_serve();
	/* Whoever wrote before this worker served has rung by itself, but for the crash that ended its predecessor. */
	SetLatch(MyLatch);
	serve();
}

static void
register_one(const char *database)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = 1,
	};

	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_herald worker for %s", database);
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_herald worker");
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_herald");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "herald_worker_main");
	strlcpy(worker.bgw_extra, database, BGW_EXTRALEN);
	RegisterBackgroundWorker(&worker);
}

PG_FUNCTION_INFO_V1(herald_preloaded);

/* herald.preloaded(): does a worker ring for this database? */
Datum
herald_preloaded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(doorbell_has_worker());
}

void
worker_register_all(void)
{
	List *names;
	ListCell *cell;

	if (!SplitIdentifierString(pstrdup(herald_databases), ',', &names))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("herald.databases is not a list of names: \"%s\"", herald_databases)));
	foreach (cell, names)
		register_one(lfirst(cell));
}

/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The background worker of a database: rings for all its writers, and runs
 *	  herald.maintain(), which must not run in their transactions.
 *
 * 1. A writer sets the worker's latch after it has committed events.  The worker
 *	  then sends one NOTIFY for all commits that came in meanwhile, at most once a
 *	  millisecond.  Its transactions do not wait for the disk.
 *
 * 2. While there is activity the worker calls herald.maintain() once a second, or
 *	  eight times in a recovery window that is shorter than eight seconds: a
 *	  partition of the log must be marked and emptied while it is out of use.
 *	  Without activity the worker sleeps and writes nothing.
 *
 * 3. After an error the worker tries again a second later.  Meanwhile it still
 *	  serves: without a worker, writers would have to NOTIFY in their transactions,
 *	  and would fail where the worker did.
 *
 * 4. A worker that cannot connect to its database exits, and the postmaster
 *	  starts it again a second later.  That process connects to no database.  It
 *	  waits until the database accepts connections, warns once a minute, and then
 *	  exits to be started again.
 *
 * pg_upgrade's servers have no workers: they would write into a database that is being copied.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
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
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "query.h"
#include "read/server_start.h"
#include "settings.h"
#include "worker.h"
#include "write/doorbell.h"

#define RING_INTERVAL_MS 1
#define MAX_MAINTENANCE_INTERVAL_MS 1000
#define IDLE_INTERVAL_MS 60000
#define RETRY_INTERVAL_MS 1000
#define WARNING_INTERVAL_MS 60000

PGDLLEXPORT void herald_worker_main(Datum slot);

/* A task that the worker runs in a transaction. */
typedef void (*WorkerTask)(void);

static SavedQuery maintain = {
	.name = "herald.maintain()",
	.text = "SELECT herald.maintain(wait => false)",
};

static void
begin_task(const char *activity)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, activity);
}

static void
end_task(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

static void
run_task(WorkerTask task, const char *activity)
{
	begin_task(activity);
	task();
	end_task();
}

/* Runs a task; reports an error and requests another round a second later. */
static void
try_task(WorkerTask task, const char *activity)
{
	PG_TRY();
	{
		run_task(task, activity);
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

static bool
extension_exists(void)
{
	return OidIsValid(get_extension_oid("pg_herald", true));
}

static void
run_maintenance(void)
{
	QueryScope scope;

	if (!extension_exists())
		return;
	query_begin(&scope);
	query_run(&maintain, 1, NULL, NULL);
	query_end(&scope);
}

static void
record_server_start(void)
{
	QueryScope scope;

	if (!extension_exists())
		return;
	query_begin(&scope);
	(void) server_start_current();
	query_end(&scope);
}

/* Sleeps until the latch is set or the time has passed; returns whether the latch was set. */
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
	for (;;)
	{
		bool exists;

		begin_task("looking for the extension");
		exists = extension_exists();
		end_task();
		if (exists)
			return;
		wait_for_ring(RETRY_INTERVAL_MS);
	}
}

/* Returns the time since the start by a monotonic clock. */
static long
milliseconds_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return (long) INSTR_TIME_GET_MILLISEC(now);
}

/* Returns the reason why a connection to the database must fail, or NULL; in a transaction. */
static const char *
connection_obstacle(const char *database)
{
	const char *obstacle = NULL;
	Oid oid = get_database_oid(database, true);
	HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(tuple))
		return "database \"%s\" does not exist";
	if (!((Form_pg_database) GETSTRUCT(tuple))->datallowconn)
		obstacle = "database \"%s\" does not accept connections";
	ReleaseSysCache(tuple);
	return obstacle;
}

/* Waits until the database accepts connections, without being connected to one. */
static void
wait_for_database(const char *database)
{
	for (int waited = 0;; waited += RETRY_INTERVAL_MS)
	{
		const char *obstacle;

		begin_task("waiting for the database");
		obstacle = connection_obstacle(database);
		end_task();
		if (obstacle == NULL)
			return;
		if (waited % WARNING_INTERVAL_MS == 0)
			ereport(WARNING, (errcode(ERRCODE_UNDEFINED_DATABASE), errmsg(obstacle, database),
							  errdetail("herald.databases names it."),
							  errhint("Make the database available, or correct herald.databases and restart the server.")));
		wait_for_ring(RETRY_INTERVAL_MS);
	}
}

/* Connects to the database; ends the process if that fails, now or in the process before. */
static void
connect_to_database(int slot, char *database)
{
	bool failed_before = doorbell_set_connecting(slot, true);

	BackgroundWorkerInitializeConnection(failed_before ? NULL : database, NULL, 0);
	if (failed_before)
		wait_for_database(database);
	doorbell_set_connecting(slot, false);
	if (failed_before)
		proc_exit(1);
}

static long
maintenance_interval_ms(void)
{
	return Min((long) herald_recovery_window * 1000 / 8, MAX_MAINTENANCE_INTERVAL_MS);
}

static void
serve_writers(void)
{
	instr_time maintained;
	bool work_left = true;

	INSTR_TIME_SET_ZERO(maintained);
	for (;;)
	{
		bool rung = wait_for_ring(work_left ? maintenance_interval_ms() : IDLE_INTERVAL_MS);

		if (rung)
		{
			try_task(doorbell_notify, "ringing");
			work_left = true;
		}
		if (work_left && milliseconds_since(maintained) >= maintenance_interval_ms())
		{
			INSTR_TIME_SET_CURRENT(maintained);
			work_left = false;
			try_task(run_maintenance, "maintenance");
		}
		if (rung)
			pg_usleep(RING_INTERVAL_MS * 1000L);
	}
}

void
herald_worker_main(Datum slot)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	connect_to_database(DatumGetInt32(slot), MyBgworkerEntry->bgw_extra);
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("jit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	wait_for_extension();
	run_task(record_server_start, "recording the start");
	doorbell_serve(DatumGetInt32(slot));
	/* A crash may have ended the previous worker between a commit and its NOTIFY: ring once. */
	SetLatch(MyLatch);
	serve_writers();
}

static void
register_worker(const char *database, int slot)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = RETRY_INTERVAL_MS / 1000,
		.bgw_main_arg = Int32GetDatum(slot),
	};

	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_herald worker for %s", database);
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_herald worker");
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_herald");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "herald_worker_main");
	strlcpy(worker.bgw_extra, database, BGW_EXTRALEN);
	RegisterBackgroundWorker(&worker);
}

PG_FUNCTION_INFO_V1(herald_preloaded);

/* herald.preloaded() returns whether a worker rings for this database. */
Datum
herald_preloaded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(doorbell_has_worker());
}

/* Returns the names of herald.databases, each once. */
static List *
databases_to_serve(void)
{
	List *names;
	List *databases = NIL;
	ListCell *cell;

	if (!SplitIdentifierString(pstrdup(herald_databases), ',', &names))
		elog(ERROR, "herald.databases is not a list of names"); /* its check has accepted it */
	foreach (cell, names)
	{
		ListCell *other;

		foreach (other, databases)
		{
			if (strcmp(lfirst(other), lfirst(cell)) == 0)
				break;
		}
		if (other == NULL)
			databases = lappend(databases, lfirst(cell));
	}
	return databases;
}

void
worker_register_all(void)
{
	List *names;
	ListCell *cell;
	int slot = 0;

	Assert(process_shared_preload_libraries_in_progress);
	if (IsBinaryUpgrade)
		return;
	names = databases_to_serve();
	if (list_length(names) > DOORBELL_MAX_WORKERS)
		ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						  errmsg("herald.databases names more than %d databases", DOORBELL_MAX_WORKERS),
						  errdetail("Databases after the first %d get no worker.", DOORBELL_MAX_WORKERS)));
	foreach (cell, names)
	{
		if (slot < DOORBELL_MAX_WORKERS)
			register_worker(lfirst(cell), slot++);
	}
}

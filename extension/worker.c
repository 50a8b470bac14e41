/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The background workers of a database: one rings for all its writers, one runs
 *	  herald.maintain(), which must not run in their transactions.
 *
 * 1. A writer sets the latch of the first worker after it has committed events.  That
 *	  worker then sends one NOTIFY for all commits that came in meanwhile: at once, or
 *	  once a millisecond while commits are dense, because each NOTIFY costs the bridges
 *	  a query.  Its transactions do not wait for the disk.
 *
 * 2. While there is activity the second worker calls herald.maintain() once a second,
 *	  or eight times in a recovery window that is shorter than eight seconds: a
 *	  partition of the log must be marked and emptied while it is out of use.
 *	  Without activity the worker sleeps and writes nothing, until the next scheduled
 *	  row is due (write/schedule.c).  Maintenance takes milliseconds and may wait for
 *	  locks.  No ring waits for it.
 *
 * 3. After an error a worker tries again a second later.  Meanwhile it still serves:
 *	  without a worker, writers would have to NOTIFY in their transactions, and would
 *	  fail where the worker did.
 *
 * 4. A worker that is asked to leave its database exits when it is idle.  The
 *	  launcher starts workers (launcher.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "query.h"
#include "read/server_start.h"
#include "settings.h"
#include "worker_slot.h"
#include "write/doorbell.h"

#define DENSE_PAUSE_MS 1
#define DENSE_COMMITS_PER_MS 2.5
#define DENSITY_WINDOW_MS 10
#define MAX_MAINTENANCE_INTERVAL_MS 1000
#define IDLE_INTERVAL_MS 60000
#define RETRY_INTERVAL_MS 1000

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

/* Runs a task.  After an error reports it, waits for a second and returns false. */
static bool
try_task(WorkerTask task, const char *activity)
{
	volatile bool done = false;

	PG_TRY();
	{
		run_task(task, activity);
		done = true;
	}
	PG_CATCH();
	{
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		pgstat_report_activity(STATE_IDLE, NULL);
		pg_usleep(RETRY_INTERVAL_MS * 1000L);
	}
	PG_END_TRY();
	return done;
}

static bool
extension_exists(void)
{
	return OidIsValid(get_extension_oid("pg_herald", true));
}

/*
 * Locks the extension, so that DROP EXTENSION waits for the end of the task before it locks a table: with tables
 * locked on both sides it would fail with a deadlock.  Returns whether the extension is there.
 */
static bool
lock_extension(void)
{
	Oid extension = get_extension_oid("pg_herald", true);

	if (OidIsValid(extension))
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
	return extension_exists();
}

/* The time when maintenance has something to do, also without activity. */
static TimestampTz next_due = DT_NOEND;

static void
run_maintenance(void)
{
	QueryScope scope;
	Datum due;
	bool isnull;

	next_due = DT_NOEND;
	if (!lock_extension())
		return;
	query_begin(&scope);
	query_run(&maintain, 1, NULL, NULL);
	due = query_value(0, 1, &isnull);
	if (!isnull)
		next_due = DatumGetTimestampTz(due);
	query_end(&scope);
}

/* Returns how long the worker may sleep without activity.  The clock may be set meanwhile. */
static long
idle_interval_ms(void)
{
	long until_due = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next_due);

	return Min(until_due + 1, IDLE_INTERVAL_MS);
}

static void
record_server_start(void)
{
	QueryScope scope;

	if (!lock_extension())
		return;
	query_begin(&scope);
	(void) server_start_current();
	query_end(&scope);
}

/* Sleeps until the latch is set or the time has passed; returns whether the latch was set.  Exits if asked to. */
static bool
wait_for_latch(long milliseconds)
{
	int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
						   PG_WAIT_EXTENSION);

	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (worker_slot_must_leave())
		proc_exit(0);
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
		wait_for_latch(RETRY_INTERVAL_MS);
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

static long
maintenance_interval_ms(void)
{
	return Min((long) herald_recovery_window * 1000 / 8, MAX_MAINTENANCE_INTERVAL_MS);
}

/* Returns whether writers committed densely when that was last measured. */
static bool
commits_are_dense(void)
{
	static instr_time measured;
	static uint32 commits;
	static bool dense;
	long milliseconds = milliseconds_since(measured);

	commits += worker_slot_count_rings();
	if (milliseconds < DENSITY_WINDOW_MS)
		return dense;
	dense = commits > milliseconds * DENSE_COMMITS_PER_MS;
	commits = 0;
	INSTR_TIME_SET_CURRENT(measured);
	return dense;
}

static void
serve_writers(void)
{
	run_task(record_server_start, "recording the start");
	worker_slot_serve();
	/* A crash may have ended the previous worker between a commit and its NOTIFY: ring once. */
	SetLatch(MyLatch);
	for (;;)
	{
		if (!wait_for_latch(IDLE_INTERVAL_MS))
			continue;
		if (!try_task(doorbell_notify, "ringing"))
			SetLatch(MyLatch);
		worker_slot_note_activity();
		if (commits_are_dense())
			pg_usleep(DENSE_PAUSE_MS * 1000L);
	}
}

static void
maintain_database(void)
{
	instr_time maintained;
	bool work_left = true;

	INSTR_TIME_SET_ZERO(maintained);
	for (;;)
	{
		wait_for_latch(work_left ? maintenance_interval_ms() : idle_interval_ms());
		work_left |= worker_slot_is_active() || GetCurrentTimestamp() >= next_due;
		if (!work_left || milliseconds_since(maintained) < maintenance_interval_ms())
			continue;
		INSTR_TIME_SET_CURRENT(maintained);
		worker_slot_rest();
		work_left = !try_task(run_maintenance, "maintenance");
	}
}

void
herald_worker_main(Datum slot)
{
	WorkerRole role;
	Oid database;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	database = worker_slot_enter(DatumGetInt32(slot), &role);
	if (!OidIsValid(database))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("jit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	wait_for_extension();
	if (role == WORKER_RINGS)
		serve_writers();
	else
		maintain_database();
}

PG_FUNCTION_INFO_V1(herald_preloaded);

/* herald.preloaded() returns whether a worker rings for this database. */
Datum
herald_preloaded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(doorbell_has_worker());
}

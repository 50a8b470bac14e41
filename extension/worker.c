/*-------------------------------------------------------------------------
 *
 * worker.c
 *	  The background worker of a database: it runs herald.maintain(), which must not
 *	  run in the transactions of writers.
 *
 * 1. While there is activity the worker keeps up with it once a second, or eight times
 *	  in a recovery window that is shorter than eight seconds: a partition of the log
 *	  must be marked and emptied while it is out of use.  Every tenth time, also the
 *	  last time, it does all that herald.maintain() does.  Without activity the worker
 *	  sleeps and writes nothing, until the next scheduled row is due (write/schedule.c).
 *
 * 2. The folds of inboxes are moved on once more, in a transaction of its own: they
 *	  include what other transactions had written when the first one noted it.
 *
 * 3. After an error the worker tries again a second later.
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

#define MAX_MAINTENANCE_INTERVAL_MS 1000
#define ROUNDS_OF_ALL 10
#define IDLE_INTERVAL_MS 60000
#define RETRY_INTERVAL_MS 1000

PGDLLEXPORT void herald_worker_main(Datum slot);

/* A task that the worker runs in a transaction. */
typedef void (*WorkerTask)(void);

static SavedQuery maintain = {
	.name = "herald.maintain()",
	.text = "SELECT herald.maintain(wait => false)",
};

static SavedQuery keep_up = {
	.name = "herald_internal.keep_up()",
	.text = "SELECT herald_internal.keep_up()",
};

static SavedQuery move_folds_on = {
	.name = "herald_internal.move_folds_on()",
	.text = "SELECT herald_internal.move_folds_on()",
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
run_maintenance(SavedQuery *query)
{
	QueryScope scope;
	Datum due;
	bool isnull;

	next_due = DT_NOEND;
	if (!lock_extension())
		return;
	query_begin(&scope);
	query_run(query, 1, NULL, NULL);
	due = query_value(0, 1, &isnull);
	if (!isnull)
		next_due = DatumGetTimestampTz(due);
	query_end(&scope);
}

static void
do_all(void)
{
	run_maintenance(&maintain);
}

static void
do_urgent(void)
{
	run_maintenance(&keep_up);
}

static void
fold_inboxes(void)
{
	QueryScope scope;

	if (!lock_extension())
		return;
	query_begin(&scope);
	query_run(&move_folds_on, 1, NULL, NULL);
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

/* Sleeps until the latch is set or the time has passed.  Exits if asked to. */
static void
wait_for_latch(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (worker_slot_must_leave())
		proc_exit(0);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
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
elapsed_ms(instr_time start)
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

static void
maintain_database(void)
{
	instr_time round;
	int rounds = ROUNDS_OF_ALL; /* since all was done */
	bool active = true;
	bool work_left = true; /* for herald.maintain() */

	run_task(record_server_start, "recording the start");
	worker_slot_serve();
	INSTR_TIME_SET_ZERO(round);
	for (;;)
	{
		bool all;

		wait_for_latch(active || work_left ? maintenance_interval_ms() : idle_interval_ms());
		active |= worker_slot_is_active() || GetCurrentTimestamp() >= next_due;
		work_left |= active;
		if (!work_left || elapsed_ms(round) < maintenance_interval_ms())
			continue;
		INSTR_TIME_SET_CURRENT(round);
		all = ++rounds >= ROUNDS_OF_ALL;
		if (!active && !all)
			continue;
		if (all)
			rounds = 0;
		worker_slot_rest();
		active = !try_task(all ? do_all : do_urgent, "maintenance") || !try_task(fold_inboxes, "folding inboxes");
		work_left = active || !all;
		if (!work_left)
			pgstat_report_stat(true); /* the next time may be far away */
	}
}

/* Gives the worker its own settings: those of the server or the database are for the application. */
static void
set_own_settings(void)
{
	static const char *const settings[][2] = {
		{ "synchronous_commit", "off" },
		{ "jit", "off" },
		{ "default_transaction_read_only", "off" },
		{ "default_transaction_deferrable", "off" },
		{ "default_transaction_isolation", "read committed" },
		{ "lock_timeout", "0" },
#if PG_VERSION_NUM >= 170000
		{ "transaction_timeout", "0" },
#endif
	};

	for (int i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
}

void
herald_worker_main(Datum slot)
{
	Oid database;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	database = worker_slot_enter(DatumGetInt32(slot));
	if (!OidIsValid(database))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	set_own_settings();
	wait_for_extension();
	maintain_database();
}

PG_FUNCTION_INFO_V1(herald_preloaded);

/* herald.preloaded() returns whether a worker maintains this database. */
Datum
herald_preloaded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(worker_slot_is_served(MyDatabaseId));
}

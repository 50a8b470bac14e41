/*-------------------------------------------------------------------------
 *
 * launcher.c
 *	  The background worker that starts a worker for each database in
 *	  herald.databases.
 *
 * 1. The launcher is connected to no database.  It looks at the list when a worker has
 *	  ended, after a reload of the configuration, and each second while a database of
 *	  the list has no worker.
 *
 * 2. A database that does not exist, or does not accept connections, draws a warning
 *	  once a minute.  A database that a command holds for itself, such as DROP
 *	  DATABASE, is left alone.  So no worker fails to connect.
 *
 * 3. A worker whose database has left the list is asked to leave.
 *
 * 4. The servers of pg_upgrade have no launcher: workers would write into a database
 *	  that is being copied.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "launcher.h"
#include "settings.h"
#include "worker_slot.h"

#define RETRY_INTERVAL_MS 1000
#define IDLE_INTERVAL_MS 60000
#define WARNING_INTERVAL_MS 60000

PGDLLEXPORT void herald_launcher_main(Datum unused);

/* The databases of the list that exist and accept connections, each once. */
typedef struct ServedDatabases
{
	Oid oids[WORKER_SLOTS];
	int count;
	bool complete; /* the list names no other */
} ServedDatabases;

static bool
is_served(const ServedDatabases *served, Oid database)
{
	for (int i = 0; i < served->count; i++)
	{
		if (served->oids[i] == database)
			return true;
	}
	return false;
}

/*
 * Returns the OID of a database, or InvalidOid.  Scans the table: a process without a
 * database may not be able to open an index.
 */
static Oid
find_database(const char *name, bool *accepts_connections)
{
	Relation catalog = table_open(DatabaseRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(catalog, 0, NULL);
	Oid found = InvalidOid;
	HeapTuple tuple;

	while (!OidIsValid(found) && HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (strcmp(NameStr(database->datname), name) == 0)
		{
			found = database->oid;
			*accepts_connections = database->datallowconn;
		}
	}
	table_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

static void
add_database(ServedDatabases *served, const char *name, bool warn)
{
	bool accepts_connections = false;
	Oid database = find_database(name, &accepts_connections);
	const char *obstacle = !OidIsValid(database) ? "database \"%s\" does not exist" : !accepts_connections ? "database \"%s\" does not accept connections" :
																											 NULL;

	if (obstacle == NULL && is_served(served, database))
		return;
	if (obstacle == NULL && served->count < WORKER_SLOTS)
	{
		served->oids[served->count++] = database;
		return;
	}
	served->complete = false;
	if (warn && obstacle != NULL)
		ereport(WARNING, (errcode(ERRCODE_UNDEFINED_DATABASE), errmsg(obstacle, name),
						  errdetail("herald.databases names it."),
						  errhint("Make the database available, or correct herald.databases and reload the configuration.")));
	else if (warn)
		ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						  errmsg("herald.databases names more than %d databases", WORKER_SLOTS),
						  errdetail("Database \"%s\" gets no worker.", name)));
}

static void
find_databases(ServedDatabases *served, bool warn)
{
	List *names;
	ListCell *cell;

	served->count = 0;
	served->complete = true;
	if (!SplitIdentifierString(pstrdup(herald_databases), ',', &names))
		elog(ERROR, "herald.databases is not a list of names"); /* its check has accepted it */
	foreach (cell, names)
		add_database(served, lfirst(cell), warn);
}

/* Does no command hold the database for itself?  Asks with the lock of a session that connects. */
static bool
is_open(Oid database)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	return LockAcquire(&tag, RowExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* Starts a worker in a slot.  Returns false if the server has no process for it. */
static bool
start_worker(int slot)
{
	BackgroundWorkerHandle *handle;
	pid_t process;
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = BGW_NEVER_RESTART,
		.bgw_main_arg = Int32GetDatum(slot),
		.bgw_notify_pid = MyProcPid,
	};

	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_herald worker");
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_herald worker");
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_herald");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "herald_worker_main");
	return RegisterDynamicBackgroundWorker(&worker, &handle) &&
		   WaitForBackgroundWorkerStartup(handle, &process) == BGWH_STARTED;
}

/* Starts a worker unless the database has it.  Returns whether it had it. */
static bool
look_after_worker(Oid database, bool warn)
{
	int slot;

	if (worker_slot_is_assigned(database))
		return true;
	slot = is_open(database) ? worker_slot_assign(database) : -1;
	if (slot < 0 || start_worker(slot))
		return false;
	worker_slot_give_up(slot);
	if (warn)
		ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						  errmsg("no process for a worker of database %u", database),
						  errhint("Raise max_worker_processes.")));
	return false;
}

static void
start_workers(ServedDatabases *served, bool warn)
{
	for (int i = 0; i < served->count; i++)
		served->complete &= look_after_worker(served->oids[i], warn);
}

static void
dismiss_workers(const ServedDatabases *served)
{
	for (int i = 0; i < WORKER_SLOTS; i++)
	{
		Oid database = worker_slot_database(i);

		if (OidIsValid(database) && !is_served(served, database))
			worker_slot_ask_to_leave(database);
	}
}

/* Makes the workers those of the list.  Returns whether each of its databases had them already. */
static bool
look_after_databases(bool warn)
{
	ServedDatabases served;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "looking after databases");
	find_databases(&served, warn);
	start_workers(&served, warn);
	dismiss_workers(&served);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	return served.complete;
}

/* Sleeps until the latch is set or the time has passed; reads the configuration anew if that was requested. */
static void
wait_for_event(long milliseconds)
{
	int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);

	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	else if (events & WL_LATCH_SET)
		pg_usleep(RETRY_INTERVAL_MS * 1000L); /* a worker that fails at once is started once a second */
}

void
herald_launcher_main(Datum unused)
{
	TimestampTz warned = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	worker_slot_give_up_all();
	for (;;)
	{
		bool warn = TimestampDifferenceExceeds(warned, GetCurrentTimestamp(), WARNING_INTERVAL_MS);
		bool complete = look_after_databases(warn);

		if (warn)
			warned = GetCurrentTimestamp();
		wait_for_event(complete ? IDLE_INTERVAL_MS : RETRY_INTERVAL_MS);
	}
}

void
launcher_register(void)
{
	BackgroundWorker launcher = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = RETRY_INTERVAL_MS / 1000,
	};

	Assert(process_shared_preload_libraries_in_progress);
	if (IsBinaryUpgrade)
		return;
	snprintf(launcher.bgw_name, BGW_MAXLEN, "pg_herald launcher");
	snprintf(launcher.bgw_type, BGW_MAXLEN, "pg_herald launcher");
	snprintf(launcher.bgw_library_name, BGW_MAXLEN, "pg_herald");
	snprintf(launcher.bgw_function_name, BGW_MAXLEN, "herald_launcher_main");
	RegisterBackgroundWorker(&launcher);
}

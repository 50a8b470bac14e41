/*-------------------------------------------------------------------------
 *
 * doorbell.c
 *	  Tells the bridges, once per transaction and after its commit, that the
 *	  event log grew.
 *
 * 1. A commit that sends NOTIFY holds a lock on "database 0" through its WAL
 *	  flush, so that commits queue behind each other.  Where the library is
 *	  preloaded, the writer sends nothing: after its commit it sets the latch of
 *	  the database's worker, which costs nothing when it is set already, and the
 *	  worker alone notifies, once for a burst.
 *
 * 2. Without a worker the transaction notifies by itself, but only just before
 *	  its commit: a transaction that has notified could not be prepared.
 *
 * 3. A ring belongs to the subtransaction that asked for it.  ring_level is the
 *	  outermost nesting level that did; when that level is rolled back so is the
 *	  ring.
 *
 * 4. A prepared transaction may be committed by another session, which cannot
 *	  know whether it wrote events: every COMMIT PREPARED rings where the extension
 *	  is, with the commit of the transaction that the command itself runs in.
 *
 * Slots are written by workers under the lock and read without one: a stale
 * latch is at worst one wake-up too many or a wait for the bridges' next poll.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "tcop/utility.h"

#include "compat.h"
#include "write/doorbell.h"
#include "query.h"

typedef struct DoorbellSlot
{
	Oid database;
	Latch *latch; /* NULL: free */
} DoorbellSlot;

static DoorbellSlot *slots = NULL;	/* in shared memory; NULL where not preloaded */
static DoorbellSlot *served = NULL; /* the slot of this worker */
static int ring_level = 0;			/* 0: nothing to ring */

static shmem_startup_hook_type prev_shmem_startup = NULL;
static ProcessUtility_hook_type prev_process_utility = NULL;
#ifndef HERALD_SHMEM_REQUEST_IN_INIT
static shmem_request_hook_type prev_shmem_request = NULL;
#endif

static Size
shared_size(void)
{
	return sizeof(DoorbellSlot) * DOORBELL_MAX_WORKERS;
}

static void
request_shared_memory(void)
{
#ifndef HERALD_SHMEM_REQUEST_IN_INIT
	if (prev_shmem_request)
		prev_shmem_request();
#endif
	RequestAddinShmemSpace(shared_size());
}

static void
attach_shared_memory(void)
{
	bool found;

	if (prev_shmem_startup)
		prev_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	slots = ShmemInitStruct("pg_herald doorbell", shared_size(), &found);
	if (!found)
		memset(slots, 0, shared_size());
	LWLockRelease(AddinShmemInitLock);
}

static DoorbellSlot *
slot_of(Oid database)
{
	if (slots == NULL)
		return NULL;
	for (int i = 0; i < DOORBELL_MAX_WORKERS; i++)
	{
		if (slots[i].database == database && slots[i].latch != NULL)
			return &slots[i];
	}
	return NULL;
}

bool
doorbell_has_worker(void)
{
	return slot_of(MyDatabaseId) != NULL;
}

void
doorbell_notify(void)
{
	Async_Notify(DOORBELL_CHANNEL, "");
}

void
doorbell_ring(void)
{
	int level = GetCurrentTransactionNestLevel();

	if (ring_level == 0 || level < ring_level)
		ring_level = level;
}

static void
wake_worker(void)
{
	DoorbellSlot *slot = slot_of(MyDatabaseId);
	Latch *latch = slot ? slot->latch : NULL;

	if (latch != NULL)
		SetLatch(latch);
}

static void
on_transaction(XactEvent event, void *arg)
{
	if (ring_level == 0)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (!doorbell_has_worker())
			{
				doorbell_notify();
				ring_level = 0;
			}
			break;
		case XACT_EVENT_COMMIT:
			wake_worker();
			ring_level = 0;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			ring_level = 0;
			break;
		default:
			break;
	}
}

static void
on_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int level = GetCurrentTransactionNestLevel();

	if (ring_level < level)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		ring_level = 0;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		ring_level = level - 1;
}

static void
on_utility(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
		   ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Node *parsed = statement->utilityStmt;
	bool commits_prepared = IsA(parsed, TransactionStmt) &&
							((TransactionStmt *) parsed)->kind == TRANS_STMT_COMMIT_PREPARED;

	if (prev_process_utility)
		prev_process_utility(statement, text, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, params, environment, dest, completion);
	if (commits_prepared && OidIsValid(query_own_table("rule")))
		doorbell_ring();
}

static void
stop_serving(int code, Datum arg)
{
	served->latch = NULL;
}

void
doorbell_serve(void)
{
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < DOORBELL_MAX_WORKERS && served == NULL; i++)
	{
		if (slots[i].latch == NULL)
			served = &slots[i];
	}
	if (served != NULL)
	{
		served->database = MyDatabaseId;
		served->latch = MyLatch;
		before_shmem_exit(stop_serving, 0);
	}
	LWLockRelease(AddinShmemInitLock);
	if (served == NULL)
		ereport(FATAL, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("herald.databases names more than %d databases", DOORBELL_MAX_WORKERS)));
}

void
doorbell_init(bool preloading)
{
	RegisterXactCallback(on_transaction, NULL);
	RegisterSubXactCallback(on_subtransaction, NULL);
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = on_utility;
	if (!preloading)
		return;
#ifdef HERALD_SHMEM_REQUEST_IN_INIT
	request_shared_memory();
#else
	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
#endif
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = attach_shared_memory;
}

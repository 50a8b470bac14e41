/*-------------------------------------------------------------------------
 *
 * doorbell.c
 *	  Tells the bridges, once per transaction and after its commit, that the
 *	  event log grew or that there are signals.
 *
 * 1. A commit that sends NOTIFY holds a lock on "database 0" through its WAL
 *	  flush, so that such commits queue behind each other.  Where the library is
 *	  preloaded, the writer sends no NOTIFY.  After its commit it sets the latch of
 *	  the database's worker, which is free if the latch is set already.  The worker
 *	  notifies, once for a burst of commits.
 *
 * 2. Without a worker, the writer notifies in its own transaction, but only just
 *	  before the commit: a transaction that has notified cannot be prepared.
 *
 * 3. A ring belongs to the subtransaction that requested it.  ring_level is the
 *	  outermost nesting level that did.  A rollback of that level takes the ring
 *	  back.
 *
 * 4. Another session may commit a prepared transaction, and cannot know whether
 *	  that wrote events.  So every COMMIT PREPARED rings if the extension exists in
 *	  the database, at the commit of the transaction that runs the command.
 *
 * Workers write slots under a lock; writers read them without one.  A stale latch
 * costs a needless wake-up, or the bridges wait until their next poll.
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
#include "query.h"
#include "write/doorbell.h"

/* The slot of a worker, in shared memory. */
typedef struct DoorbellSlot
{
	Oid database;
	Latch *latch;	 /* of the worker; NULL: it does not serve */
	bool connecting; /* the worker has begun to connect and has not succeeded yet */
} DoorbellSlot;

static struct
{
	DoorbellSlot *slots;  /* DOORBELL_MAX_WORKERS; NULL: the library is not preloaded */
	DoorbellSlot *served; /* the slot that this process serves, if it is a worker */
	int ring_level;		  /* 0: no ring at the commit */
} doorbell;

/* The hooks that were set before ours. */
static struct
{
	shmem_startup_hook_type shmem_startup;
	ProcessUtility_hook_type process_utility;
#ifndef HERALD_SHMEM_REQUEST_IN_INIT
	shmem_request_hook_type shmem_request;
#endif
} previous_hooks;

static Size
shared_size(void)
{
	return sizeof(DoorbellSlot) * DOORBELL_MAX_WORKERS;
}

static void
request_shared_memory(void)
{
#ifndef HERALD_SHMEM_REQUEST_IN_INIT
	if (previous_hooks.shmem_request)
		previous_hooks.shmem_request();
#endif
	RequestAddinShmemSpace(shared_size());
}

static void
attach_shared_memory(void)
{
	bool found;

	if (previous_hooks.shmem_startup)
		previous_hooks.shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	doorbell.slots = ShmemInitStruct("pg_herald doorbell", shared_size(), &found);
	if (!found)
		memset(doorbell.slots, 0, shared_size());
	LWLockRelease(AddinShmemInitLock);
}

static DoorbellSlot *
slot_of(Oid database)
{
	if (doorbell.slots == NULL)
		return NULL;
	for (int i = 0; i < DOORBELL_MAX_WORKERS; i++)
	{
		if (doorbell.slots[i].database == database && doorbell.slots[i].latch != NULL)
			return &doorbell.slots[i];
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
	Assert(IsTransactionState());
	Async_Notify(DOORBELL_CHANNEL, "");
}

void
doorbell_ring(void)
{
	int level = GetCurrentTransactionNestLevel();

	Assert(level > 0);
	if (doorbell.ring_level == 0 || level < doorbell.ring_level)
		doorbell.ring_level = level;
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
ring_at_transaction_end(XactEvent event, void *arg)
{
	if (doorbell.ring_level == 0)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (!doorbell_has_worker())
			{
				doorbell_notify();
				doorbell.ring_level = 0;
			}
			break;
		case XACT_EVENT_COMMIT:
			wake_worker();
			doorbell.ring_level = 0;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			doorbell.ring_level = 0;
			break;
		default:
			break;
	}
}

static void
follow_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	int level = GetCurrentTransactionNestLevel();

	if (doorbell.ring_level < level)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		doorbell.ring_level = 0;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		doorbell.ring_level = level - 1;
}

/* The ProcessUtility hook: runs the command, and rings if it was a COMMIT PREPARED. */
static void
run_utility(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Node *parsed = statement->utilityStmt;
	bool commits_prepared = IsA(parsed, TransactionStmt) &&
							((TransactionStmt *) parsed)->kind == TRANS_STMT_COMMIT_PREPARED;

	if (previous_hooks.process_utility)
		previous_hooks.process_utility(statement, text, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, params, environment, dest, completion);
	if (commits_prepared && OidIsValid(query_own_table("rule")))
		doorbell_ring();
}

static void
stop_serving(int code, Datum arg)
{
	doorbell.served->latch = NULL;
}

void
doorbell_serve(int slot)
{
	Assert(doorbell.slots != NULL && doorbell.served == NULL);
	Assert(slot >= 0 && slot < DOORBELL_MAX_WORKERS);
	Assert(OidIsValid(MyDatabaseId));
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	doorbell.served = &doorbell.slots[slot];
	doorbell.served->database = MyDatabaseId;
	doorbell.served->latch = MyLatch;
	before_shmem_exit(stop_serving, 0);
	LWLockRelease(AddinShmemInitLock);
}

bool
doorbell_set_connecting(int slot, bool connecting)
{
	bool before;

	Assert(doorbell.slots != NULL);
	Assert(slot >= 0 && slot < DOORBELL_MAX_WORKERS);
	before = doorbell.slots[slot].connecting;
	doorbell.slots[slot].connecting = connecting;
	return before;
}

void
doorbell_init(bool preloading)
{
	RegisterXactCallback(ring_at_transaction_end, NULL);
	RegisterSubXactCallback(follow_subtransaction, NULL);
	previous_hooks.process_utility = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
	if (!preloading)
		return;
#ifdef HERALD_SHMEM_REQUEST_IN_INIT
	request_shared_memory();
#else
	previous_hooks.shmem_request = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
#endif
	previous_hooks.shmem_startup = shmem_startup_hook;
	shmem_startup_hook = attach_shared_memory;
}

/*-------------------------------------------------------------------------
 *
 * worker_slot.c
 *	  The slots of workers in shared memory: one for each worker of a database.
 *
 * 1. The launcher assigns a free slot to a database and a role, and starts a worker
 *	  for it.
 *
 * 2. The worker enters the slot before it connects.  It serves from the moment when
 *	  the extension exists.
 *
 * 3. Anybody may ask the worker to leave.  It exits as soon as it is idle.
 *
 * 4. When the worker exits, for whatever reason, the slot is free.
 *
 * Slots are written under a lock; writers of events read them without one.  A stale
 * latch costs a needless wake-up, or the bridges wait until their next poll.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "compat.h"
#include "worker_slot.h"

typedef struct WorkerSlot
{
	Oid database; /* InvalidOid: the slot is free */
	WorkerRole role;
	Latch *latch;			/* of the worker; NULL: it has not entered yet */
	bool serving;			/* it rings for writers */
	bool leaving;			/* it was asked to leave */
	bool active;			/* there was activity since worker_slot_rest() */
	pg_atomic_uint32 rings; /* since it last counted them */
} WorkerSlot;

static WorkerSlot *slots; /* WORKER_SLOTS; NULL: the library is not preloaded */
static WorkerSlot *mine;  /* the slot of this process, if it is a worker */

/* The hooks that were set before ours. */
static struct
{
	shmem_startup_hook_type shmem_startup;
#ifndef HERALD_SHMEM_REQUEST_IN_INIT
	shmem_request_hook_type shmem_request;
#endif
} previous_hooks;

static void
free_slot(WorkerSlot *slot)
{
	slot->database = InvalidOid;
	slot->latch = NULL;
	slot->serving = slot->leaving = slot->active = false;
}

static void
request_shared_memory(void)
{
#ifndef HERALD_SHMEM_REQUEST_IN_INIT
	if (previous_hooks.shmem_request)
		previous_hooks.shmem_request();
#endif
	RequestAddinShmemSpace(sizeof(WorkerSlot) * WORKER_SLOTS);
}

static void
attach_shared_memory(void)
{
	bool found;

	if (previous_hooks.shmem_startup)
		previous_hooks.shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	slots = ShmemInitStruct("pg_herald workers", sizeof(WorkerSlot) * WORKER_SLOTS, &found);
	for (int i = 0; !found && i < WORKER_SLOTS; i++)
	{
		free_slot(&slots[i]);
		pg_atomic_init_u32(&slots[i].rings, 0);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
worker_slot_init(void)
{
	Assert(process_shared_preload_libraries_in_progress);
#ifdef HERALD_SHMEM_REQUEST_IN_INIT
	request_shared_memory();
#else
	previous_hooks.shmem_request = shmem_request_hook;
	shmem_request_hook = request_shared_memory;
#endif
	previous_hooks.shmem_startup = shmem_startup_hook;
	shmem_startup_hook = attach_shared_memory;
}

static WorkerSlot *
slot_of(Oid database, WorkerRole role)
{
	Assert(OidIsValid(database));
	for (int i = 0; slots != NULL && i < WORKER_SLOTS; i++)
	{
		if (slots[i].database == database && slots[i].role == role)
			return &slots[i];
	}
	return NULL;
}

bool
worker_slot_is_assigned(Oid database, WorkerRole role)
{
	return slot_of(database, role) != NULL;
}

/* Returns the slot of the worker that rings for the writers of this database, or NULL. */
static WorkerSlot *
serving_slot(Oid database)
{
	WorkerSlot *slot = slot_of(database, WORKER_RINGS);

	return slot != NULL && slot->serving ? slot : NULL;
}

bool
worker_slot_is_served(Oid database)
{
	return serving_slot(database) != NULL;
}

void
worker_slot_ring(Oid database)
{
	WorkerSlot *slot = serving_slot(database);
	Latch *latch = slot != NULL ? slot->latch : NULL;

	if (latch == NULL)
		return;
	pg_atomic_fetch_add_u32(&slot->rings, 1);
	SetLatch(latch);
}

uint32
worker_slot_count_rings(void)
{
	Assert(mine != NULL && mine->database == MyDatabaseId);
	return pg_atomic_exchange_u32(&mine->rings, 0);
}

bool
worker_slot_ask_to_leave(Oid database)
{
	bool found = false;

	Assert(OidIsValid(database));
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; slots != NULL && i < WORKER_SLOTS; i++)
	{
		if (slots[i].database != database)
			continue;
		found = slots[i].leaving = true;
		if (slots[i].latch != NULL)
			SetLatch(slots[i].latch);
	}
	LWLockRelease(AddinShmemInitLock);
	return found;
}

int
worker_slot_assign(Oid database, WorkerRole role)
{
	int slot = 0;

	Assert(slots != NULL && OidIsValid(database));
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	while (slot < WORKER_SLOTS && OidIsValid(slots[slot].database))
		slot++;
	if (slot < WORKER_SLOTS)
	{
		slots[slot].role = role;
		slots[slot].database = database;
	}
	LWLockRelease(AddinShmemInitLock);
	return slot < WORKER_SLOTS ? slot : -1;
}

void
worker_slot_give_up(int slot)
{
	Assert(slot >= 0 && slot < WORKER_SLOTS);
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	if (slots[slot].latch == NULL)
		free_slot(&slots[slot]);
	LWLockRelease(AddinShmemInitLock);
}

void
worker_slot_give_up_all(void)
{
	for (int i = 0; i < WORKER_SLOTS; i++)
		worker_slot_give_up(i);
}

Oid
worker_slot_database(int slot)
{
	Assert(slot >= 0 && slot < WORKER_SLOTS);
	return slots[slot].database;
}

static void
free_my_slot(int code, Datum arg)
{
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	free_slot(mine);
	LWLockRelease(AddinShmemInitLock);
}

Oid
worker_slot_enter(int slot, WorkerRole *role)
{
	Assert(slots != NULL && mine == NULL);
	Assert(slot >= 0 && slot < WORKER_SLOTS);
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	if (OidIsValid(slots[slot].database) && slots[slot].latch == NULL)
	{
		mine = &slots[slot];
		mine->latch = MyLatch;
		*role = mine->role;
		before_shmem_exit(free_my_slot, 0);
	}
	LWLockRelease(AddinShmemInitLock);
	return mine != NULL ? mine->database : InvalidOid;
}

void
worker_slot_serve(void)
{
	Assert(mine != NULL && mine->database == MyDatabaseId && mine->role == WORKER_RINGS);
	mine->serving = true;
}

bool
worker_slot_must_leave(void)
{
	Assert(mine != NULL);
	return mine->leaving;
}

/* Sets the latch once for all activity until the next maintenance. */
void
worker_slot_note_activity(void)
{
	WorkerSlot *slot = slot_of(MyDatabaseId, WORKER_MAINTAINS);
	Latch *latch = slot != NULL ? slot->latch : NULL;

	if (latch == NULL || slot->active)
		return;
	slot->active = true;
	SetLatch(latch);
}

bool
worker_slot_is_active(void)
{
	Assert(mine != NULL && mine->role == WORKER_MAINTAINS);
	return mine->active;
}

void
worker_slot_rest(void)
{
	Assert(mine != NULL && mine->role == WORKER_MAINTAINS);
	mine->active = false;
}

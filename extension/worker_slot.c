/*-------------------------------------------------------------------------
 *
 * worker_slot.c
 *	  The slots of workers in shared memory: one for each worker of a database.
 *
 * 1. The launcher assigns a free slot to a database, and starts a worker for it.
 *
 * 2. The worker enters the slot before it connects.  It serves from the moment when
 *	  the extension exists.
 *
 * 3. Anybody may ask the worker to leave.  It exits as soon as it is idle.
 *
 * 4. When the worker exits, for whatever reason, the slot is free.
 *
 * Slots are written under a lock; writers of events read them without one.  A stale
 * latch costs a needless wake-up, or maintenance comes later.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "shared_lock.h"
#include "worker_slot.h"

typedef struct WorkerSlot
{
	Oid database; /* InvalidOid: the slot is free */
	Latch *latch; /* of the worker; NULL: it has not entered yet */
	bool serving; /* the extension exists */
	bool leaving; /* it was asked to leave */
	bool active;  /* there was activity since worker_slot_rest() */
} WorkerSlot;

static WorkerSlot *slots; /* WORKER_SLOTS; NULL: the library is not preloaded */
static WorkerSlot *mine;  /* the slot of this process, if it is a worker */

static void
free_slot(WorkerSlot *slot)
{
	slot->database = InvalidOid;
	slot->latch = NULL;
	slot->serving = slot->leaving = slot->active = false;
}

Size
worker_slot_size(void)
{
	return sizeof(WorkerSlot) * WORKER_SLOTS;
}

void
worker_slot_attach(void)
{
	bool found;

	slots = ShmemInitStruct("pg_herald workers", sizeof(WorkerSlot) * WORKER_SLOTS, &found);
	for (int i = 0; !found && i < WORKER_SLOTS; i++)
		free_slot(&slots[i]);
}

static WorkerSlot *
slot_of(Oid database)
{
	Assert(OidIsValid(database));
	for (int i = 0; slots != NULL && i < WORKER_SLOTS; i++)
	{
		if (slots[i].database == database)
			return &slots[i];
	}
	return NULL;
}

bool
worker_slot_is_assigned(Oid database)
{
	return slot_of(database) != NULL;
}

bool
worker_slot_is_served(Oid database)
{
	WorkerSlot *slot = slot_of(database);

	return slot != NULL && slot->serving;
}

bool
worker_slot_ask_to_leave(Oid database)
{
	WorkerSlot *slot;

	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	slot = slot_of(database);
	if (slot != NULL)
		slot->leaving = true;
	if (slot != NULL && slot->latch != NULL)
		SetLatch(slot->latch);
	LWLockRelease(shared_lock());
	return slot != NULL;
}

int
worker_slot_assign(Oid database)
{
	int slot = 0;

	Assert(slots != NULL && OidIsValid(database));
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	while (slot < WORKER_SLOTS && OidIsValid(slots[slot].database))
		slot++;
	if (slot < WORKER_SLOTS)
		slots[slot].database = database;
	LWLockRelease(shared_lock());
	return slot < WORKER_SLOTS ? slot : -1;
}

void
worker_slot_give_up(int slot)
{
	Assert(slot >= 0 && slot < WORKER_SLOTS);
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	if (slots[slot].latch == NULL)
		free_slot(&slots[slot]);
	LWLockRelease(shared_lock());
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
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	free_slot(mine);
	LWLockRelease(shared_lock());
}

Oid
worker_slot_enter(int slot)
{
	Assert(slots != NULL && mine == NULL);
	Assert(slot >= 0 && slot < WORKER_SLOTS);
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	if (OidIsValid(slots[slot].database) && slots[slot].latch == NULL)
	{
		mine = &slots[slot];
		mine->latch = MyLatch;
		before_shmem_exit(free_my_slot, 0);
	}
	LWLockRelease(shared_lock());
	return mine != NULL ? mine->database : InvalidOid;
}

void
worker_slot_serve(void)
{
	Assert(mine != NULL && mine->database == MyDatabaseId);
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
worker_slot_note_activity(Oid database)
{
	WorkerSlot *slot = slot_of(database);
	Latch *latch = slot != NULL ? slot->latch : NULL;

	if (latch == NULL || slot->active)
		return;
	slot->active = true;
	SetLatch(latch);
}

bool
worker_slot_is_active(void)
{
	Assert(mine != NULL);
	return mine->active;
}

void
worker_slot_rest(void)
{
	Assert(mine != NULL);
	mine->active = false;
}

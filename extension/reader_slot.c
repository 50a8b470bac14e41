/*-------------------------------------------------------------------------
 *
 * reader_slot.c
 *	  The slots of readers in shared memory: backends in which a bridge waits for
 *	  commits.
 *
 * 1. A reader enters a slot once, and keeps it until its backend exits.  Its first
 *	  wait ends at once.
 *
 * 2. A writer rings after its commit: it counts up each slot of its database.  The
 *	  first ring since the reader's last wait sets the latch, so that a busy writer
 *	  signals once.
 *
 * 3. The end of a wait takes all rings.  A snapshot that is taken afterwards has the
 *	  commits of those that have rung before.
 *
 * 4. While commits are dense, a wait takes a millisecond at least, because each page
 *	  that is read costs the writers CPU.
 *
 * 5. A smart shutdown waits for all sessions to end, and tells them nothing.  So a wait
 *	  looks into the postmaster's lock file, once a second, and fails.
 *
 * Slots are written under a lock; writers read them without one.  A stale latch costs a
 * needless wake-up.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "portability/instr_time.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/shmem.h"
#include "utils/pidfile.h"

#include "compat.h"
#include "reader_slot.h"
#include "shared_lock.h"

#define DENSE_PAUSE_MS 1
#define DENSE_COMMITS_PER_MS 2.5
#define DENSITY_WINDOW_MS 10
#define SHUTDOWN_CHECK_MS 1000
#define LOCK_FILE "postmaster.pid"

typedef struct ReaderSlot
{
	Oid database; /* InvalidOid: the slot is free */
	int pid;
	Latch *latch;
	pg_atomic_uint32 rings; /* since the reader's last wait */
} ReaderSlot;

typedef struct ReaderSlots
{
	int used; /* no slot behind this number has ever been taken */
	ReaderSlot slots[FLEXIBLE_ARRAY_MEMBER];
} ReaderSlots;

static ReaderSlots *readers; /* NULL: the library is not preloaded */
static int reader_slots;	 /* one for each backend that the server can have */
static ReaderSlot *own_slot; /* the slot of this backend, if it is a reader */

Size
reader_slot_size(void)
{
	reader_slots = max_backends();
	return add_size(offsetof(ReaderSlots, slots), mul_size(sizeof(ReaderSlot), reader_slots));
}

void
reader_slot_attach(void)
{
	bool found;

	readers = ShmemInitStruct("pg_herald readers", reader_slot_size(), &found);
	if (found)
		return;
	memset(readers, 0, reader_slot_size());
	for (int i = 0; i < reader_slots; i++)
		pg_atomic_init_u32(&readers->slots[i].rings, 0);
}

bool
reader_slot_exists(void)
{
	return readers != NULL;
}

static void
leave_slot(int code, Datum arg)
{
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	own_slot->database = InvalidOid;
	own_slot = NULL;
	LWLockRelease(shared_lock());
}

/* Takes a free slot.  There is one for each backend. */
static ReaderSlot *
take_slot(void)
{
	ReaderSlot *slot = readers->slots;

	while (OidIsValid(slot->database))
		slot++;
	Assert(slot < readers->slots + reader_slots);
	slot->pid = MyProcPid;
	slot->latch = MyLatch;
	pg_atomic_write_u32(&slot->rings, 1);
	pg_write_barrier();
	slot->database = MyDatabaseId;
	readers->used = Max(readers->used, (int) (slot - readers->slots) + 1);
	return slot;
}

void
reader_slot_enter(void)
{
	Assert(readers != NULL && OidIsValid(MyDatabaseId));
	if (own_slot != NULL)
		return;
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	own_slot = take_slot();
	LWLockRelease(shared_lock());
	before_shmem_exit(leave_slot, 0);
}

static void
ring_slot(ReaderSlot *slot)
{
	if (pg_atomic_fetch_add_u32(&slot->rings, 1) == 0)
		SetLatch(slot->latch);
}

/* The barrier orders the commit before the look at the slots: a reader that has not entered yet will see it. */
void
reader_slot_ring(Oid database)
{
	Assert(OidIsValid(database));
	if (readers == NULL)
		return;
	pg_memory_barrier();
	for (int i = 0; i < readers->used; i++)
	{
		if (readers->slots[i].database == database)
			ring_slot(&readers->slots[i]);
	}
}

void
reader_slot_ring_one(int pid)
{
	for (int i = 0; readers != NULL && i < readers->used; i++)
	{
		if (readers->slots[i].database == MyDatabaseId && readers->slots[i].pid == pid)
			ring_slot(&readers->slots[i]);
	}
}

/* Returns the time since the start by a monotonic clock. */
static double
wait_ms_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_MILLISEC(now);
}

/* Adds the rings that a wait has taken; returns whether commits were dense when that was last measured. */
static bool
commits_are_dense(uint32 rings)
{
	static instr_time measured;
	static uint32 commits;
	static bool dense;
	double milliseconds = wait_ms_since(measured);

	commits += rings;
	if (milliseconds < DENSITY_WINDOW_MS)
		return dense;
	dense = commits > milliseconds * DENSE_COMMITS_PER_MS;
	commits = 0;
	INSTR_TIME_SET_CURRENT(measured);
	return dense;
}

/* Returns whether the postmaster has begun to shut down. */
static bool
server_is_stopping(void)
{
	FILE *file = AllocateFile(LOCK_FILE, "r");
	char line[MAXPGPATH] = "";

	if (file == NULL)
		return false;
	for (int i = 1; i <= LOCK_FILE_LINE_PM_STATUS; i++)
	{
		if (fgets(line, sizeof(line), file) == NULL)
			line[0] = '\0';
	}
	FreeFile(file);
	return strncmp(line, PM_STATUS_STOPPING, strlen(PM_STATUS_STOPPING)) == 0;
}

/* Raises an error if the server is shutting down. */
static void
check_shutdown(void)
{
	static instr_time checked;

	if (wait_ms_since(checked) < SHUTDOWN_CHECK_MS)
		return;
	INSTR_TIME_SET_CURRENT(checked);
	if (server_is_stopping())
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW), errmsg("the server is shutting down")));
}

bool
reader_slot_wait(long milliseconds)
{
	static bool dense;
	instr_time begun;
	uint32 rings;
	long left = milliseconds;

	Assert(own_slot != NULL && milliseconds >= 0);
	INSTR_TIME_SET_CURRENT(begun);
	check_shutdown();
	if (dense)
		pg_usleep(DENSE_PAUSE_MS * 1000L);
	while ((rings = pg_atomic_exchange_u32(&own_slot->rings, 0)) == 0 && left > 0)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Min(left, SHUTDOWN_CHECK_MS),
						 reader_wait_event());
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		check_shutdown();
		left = milliseconds - (long) wait_ms_since(begun);
	}
	dense = commits_are_dense(rings);
	return rings > 0;
}

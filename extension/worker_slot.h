/*-------------------------------------------------------------------------
 *
 * worker_slot.h
 *	  The slots of workers in shared memory: one for each worker of a database.
 *
 * Without the library's preloading there are no slots: nothing has a worker, and
 * nothing can be assigned.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WORKER_SLOT_H
#define HERALD_WORKER_SLOT_H

#include "postgres.h"

#include "storage/latch.h"

/* The workers of a database: one rings, and does nothing that could delay a ring. */
typedef enum WorkerRole
{
	WORKER_RINGS,
	WORKER_MAINTAINS
} WorkerRole;

#define WORKER_ROLES 2

/* The numbers of databases that can have workers, and of slots. */
#define SERVED_DATABASES 16
#define WORKER_SLOTS (SERVED_DATABASES * WORKER_ROLES)

/* Reserves the shared memory; while the library is preloaded only. */
extern void worker_slot_init(void);

/* Does the database have a worker of this role, or is one about to start for it? */
extern bool worker_slot_is_assigned(Oid database, WorkerRole role);

/* Does a worker ring for the writers of this database? */
extern bool worker_slot_is_served(Oid database);

/* Has the worker of this database ring, if there is one. */
extern void worker_slot_ring(Oid database);

/*
 * Asks the workers of this database to leave it.  Returns false if there is none (any more).
 */
extern bool worker_slot_ask_to_leave(Oid database);

/* For the launcher: returns a free slot that is now the database's, for a worker of this role, or -1. */
extern int worker_slot_assign(Oid database, WorkerRole role);

/* For the launcher: frees a slot in which no worker has appeared. */
extern void worker_slot_give_up(int slot);

/* For the launcher: frees all slots in which no worker has appeared. */
extern void worker_slot_give_up_all(void);

/* For the launcher: returns the database of a slot, or InvalidOid. */
extern Oid worker_slot_database(int slot);

/*
 * For a worker: takes the slot until the process exits, and returns the database and the role; InvalidOid: it is not
 * free for it.
 */
extern Oid worker_slot_enter(int slot, WorkerRole *role);

/* For a worker that rings: makes writers set this process's latch after their commits. */
extern void worker_slot_serve(void);

/* For a worker that rings: returns how often writers have rung since the last call. */
extern uint32 worker_slot_count_rings(void);

/* For a worker that rings: wakes the one that maintains. */
extern void worker_slot_note_activity(void);

/* For a worker that maintains: was there activity since worker_slot_rest()? */
extern bool worker_slot_is_active(void);

/* For a worker that maintains: forgets the activity so far. */
extern void worker_slot_rest(void);

/* For a worker: must it leave the database? */
extern bool worker_slot_must_leave(void);

#endif /* HERALD_WORKER_SLOT_H */

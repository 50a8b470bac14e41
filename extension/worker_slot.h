/*-------------------------------------------------------------------------
 *
 * worker_slot.h
 *	  The slots of workers in shared memory: one for each database that has a
 *	  worker.
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

/* The number of slots. */
#define WORKER_SLOTS 16

/* Reserves the shared memory; while the library is preloaded only. */
extern void worker_slot_init(void);

/* Does a worker have this database, or is one about to start for it? */
extern bool worker_slot_is_assigned(Oid database);

/* Does a worker ring for the writers of this database? */
extern bool worker_slot_is_served(Oid database);

/* Has the worker of this database ring, if there is one. */
extern void worker_slot_ring(Oid database);

/*
 * Asks the worker of this database to leave it.  Returns false if there is none (any more).
 */
extern bool worker_slot_ask_to_leave(Oid database);

/* For the launcher: returns a free slot that is now the database's, or -1. */
extern int worker_slot_assign(Oid database);

/* For the launcher: frees a slot in which no worker has appeared. */
extern void worker_slot_give_up(int slot);

/* For the launcher: frees all slots in which no worker has appeared. */
extern void worker_slot_give_up_all(void);

/* For the launcher: returns the database of a slot, or InvalidOid. */
extern Oid worker_slot_database(int slot);

/* For a worker: takes the slot until the process exits, and returns the database; InvalidOid: it is not free for it. */
extern Oid worker_slot_enter(int slot);

/* For a worker: makes writers set this process's latch after their commits. */
extern void worker_slot_serve(void);

/* For a worker: returns how often writers have rung since the last call. */
extern uint32 worker_slot_count_rings(void);

/* For a worker: must it leave the database? */
extern bool worker_slot_must_leave(void);

#endif /* HERALD_WORKER_SLOT_H */

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

/* The number of databases that can have a worker. */
#define WORKER_SLOTS 16

/* Returns the size of the shared memory. */
extern Size worker_slot_size(void);

/* Attaches to the shared memory.  The caller holds AddinShmemInitLock. */
extern void worker_slot_attach(void);

/* Does the database have a worker, or is one about to start for it? */
extern bool worker_slot_is_assigned(Oid database);

/* Does a worker maintain this database? */
extern bool worker_slot_is_served(Oid database);

/* Tells the worker of this database, if there is one, that there was activity. */
extern void worker_slot_note_activity(Oid database);

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

/* For a worker: from now on it maintains the database. */
extern void worker_slot_serve(void);

/* For a worker: was there activity since worker_slot_rest()? */
extern bool worker_slot_is_active(void);

/* For a worker: forgets the activity so far. */
extern void worker_slot_rest(void);

/* For a worker: must it leave the database? */
extern bool worker_slot_must_leave(void);

#endif /* HERALD_WORKER_SLOT_H */

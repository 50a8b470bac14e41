/*-------------------------------------------------------------------------
 *
 * reader_slot.h
 *	  The slots of readers in shared memory: backends in which a bridge waits for
 *	  commits.
 *
 * Without the library's preloading there are no slots, and nobody can wait.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_READER_SLOT_H
#define HERALD_READER_SLOT_H

#include "postgres.h"

/* Returns the size of the shared memory. */
extern Size reader_slot_size(void);

/* Attaches to the shared memory.  The caller holds AddinShmemInitLock. */
extern void reader_slot_attach(void);

/* Are there slots? */
extern bool reader_slot_exists(void);

/* Takes a slot for this backend until it exits, unless it has one. */
extern void reader_slot_enter(void);

/* Wakes all readers of a database. */
extern void reader_slot_ring(Oid database);

/* Wakes the reader of this database whose process has that id, if there is one. */
extern void reader_slot_ring_one(int pid);

/*
 * Waits until the reader of this backend was rung since its last wait, at most for that time.  Returns whether it was.
 * The caller has entered, and holds no snapshot.
 */
extern bool reader_slot_wait(long milliseconds);

#endif /* HERALD_READER_SLOT_H */

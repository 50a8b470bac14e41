/*-------------------------------------------------------------------------
 *
 * doorbell.h
 *	  Tells the bridges, once per transaction and after its commit, that the
 *	  event log grew.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DOORBELL_H
#define HERALD_DOORBELL_H

#include "postgres.h"

/* The channel of the NOTIFY, on which bridges LISTEN. */
#define DOORBELL_CHANNEL "herald"

/* Number of slots: one for each name in herald.databases. */
#define DOORBELL_MAX_WORKERS 16

/* Registers the transaction callbacks and, where preloaded, the shared memory. */
extern void doorbell_init(bool preloading);

/* Rings at the commit of the current transaction; a rollback, also to a savepoint, takes the ring back. */
extern void doorbell_ring(void);

/* Does a worker ring for this database? */
extern bool doorbell_has_worker(void);

/*
 * For workers: makes writers in this database set this process's latch after
 * their commits, until the process exits.  Each worker has a slot of its own.
 */
extern void doorbell_serve(int slot);

/*
 * For workers: notes that the worker of a slot begins or ends an attempt to
 * connect.  Returns whether an attempt had begun before: then it failed, and
 * ended the process that made it.
 */
extern bool doorbell_set_connecting(int slot, bool connecting);

/* Sends the NOTIFY at the commit of the current transaction. */
extern void doorbell_notify(void);

#endif /* HERALD_DOORBELL_H */

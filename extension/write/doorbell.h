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

#define DOORBELL_CHANNEL "herald"
#define DOORBELL_MAX_WORKERS 16

/* Registers the transaction callbacks, and where preloaded the shared memory. */
extern void doorbell_init(bool preloading);

/* Promises a ring at this transaction's commit; a rollback takes it back. */
extern void doorbell_ring(void);

/* Is there a worker that rings for this database? */
extern bool doorbell_has_worker(void);

/* The worker's side: this process's latch is set by whoever rings in this database. */
extern void doorbell_serve(void);

/* Sends the NOTIFY in the current transaction. */
extern void doorbell_notify(void);

#endif /* HERALD_DOORBELL_H */

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

/* Registers the transaction callbacks. */
extern void doorbell_init(void);

/* Rings at the commit of the current transaction; a rollback, also to a savepoint, takes the ring back. */
extern void doorbell_ring(void);

/* Does a worker ring for this database? */
extern bool doorbell_has_worker(void);

/* Sends the NOTIFY at the commit of the current transaction. */
extern void doorbell_notify(void);

#endif /* HERALD_DOORBELL_H */

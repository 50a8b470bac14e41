/*-------------------------------------------------------------------------
 *
 * doorbell.h
 *	  Wakes the bridges, once per transaction and after its commit, when the event log
 *	  grew or there are signals.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DOORBELL_H
#define HERALD_DOORBELL_H

#include "postgres.h"

/* The channel of the NOTIFY of servers that are not preloaded, on which bridges LISTEN. */
#define DOORBELL_CHANNEL "herald"

/* Registers the transaction callbacks. */
extern void doorbell_init(void);

/* Rings at the commit of the current transaction; a rollback, also to a savepoint, takes the ring back. */
extern void doorbell_ring(void);

#endif /* HERALD_DOORBELL_H */

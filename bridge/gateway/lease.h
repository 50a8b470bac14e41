/*-------------------------------------------------------------------------
 *
 * lease.h
 *	  Tells the database who is here, and that this bridge lives.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LEASE_H
#define HERALD_LEASE_H

#include "base/config.h"

extern void lease_start(const Config *config);

/* The bridge is about to end: makes the lease as short as users need to come back elsewhere, and renews it no more. */
extern void lease_give_up(void);

extern void lease_stop(void);

#endif /* HERALD_LEASE_H */

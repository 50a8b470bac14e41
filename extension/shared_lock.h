/*-------------------------------------------------------------------------
 *
 * shared_lock.h
 *	  Protects the shared memory of the extension.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SHARED_LOCK_H
#define HERALD_SHARED_LOCK_H

#include "postgres.h"

#include "storage/lwlock.h"

/* Reserves the lock when the server starts. */
extern void shared_lock_request(void);

/* Attaches to the lock. */
extern void shared_lock_attach(void);

/* Returns the lock, which is held for a moment only.  The library is preloaded. */
extern LWLock *shared_lock(void);

#endif /* HERALD_SHARED_LOCK_H */

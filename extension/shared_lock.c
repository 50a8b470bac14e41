/*-------------------------------------------------------------------------
 *
 * shared_lock.c
 *	  Protects the shared memory of the extension.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "shared_lock.h"

#define TRANCHE "pg_herald"

static LWLock *lock;

void
shared_lock_request(void)
{
	RequestNamedLWLockTranche(TRANCHE, 1);
}

void
shared_lock_attach(void)
{
	lock = &GetNamedLWLockTranche(TRANCHE)->lock;
}

LWLock *
shared_lock(void)
{
	Assert(lock != NULL);
	return lock;
}

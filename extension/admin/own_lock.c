/*-------------------------------------------------------------------------
 *
 * own_lock.c
 *	  Takes locks that only the extension can take.
 *
 * Any login role can take an advisory lock, and could keep maintenance from running.
 * These locks are taken by functions that are granted to nobody.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lock.h"

/*
 * Returns the tag of the lock that goes with one of our tables.  No command locks a part of an extension.  With the
 * method of advisory locks the server releases it when its session ends, also an idle one.
 */
static LOCKTAG
own_lock_tag(Oid table)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, table, 1);
	tag.locktag_lockmethodid = USER_LOCKMETHOD;
	return tag;
}

PG_FUNCTION_INFO_V1(herald_own_lock);
PG_FUNCTION_INFO_V1(herald_own_unlock);

/*
 * herald_internal.own_lock(table, wait, for_session) returns whether it got the lock.
 * Without for_session the lock ends with the transaction.
 */
Datum
herald_own_lock(PG_FUNCTION_ARGS)
{
	LOCKTAG tag = own_lock_tag(PG_GETARG_OID(0));

	PG_RETURN_BOOL(LockAcquire(&tag, ExclusiveLock, PG_GETARG_BOOL(2), !PG_GETARG_BOOL(1)) != LOCKACQUIRE_NOT_AVAIL);
}

/* herald_internal.own_unlock(table) ends a lock of the session. */
Datum
herald_own_unlock(PG_FUNCTION_ARGS)
{
	LOCKTAG tag = own_lock_tag(PG_GETARG_OID(0));

	PG_RETURN_BOOL(LockRelease(&tag, ExclusiveLock, true));
}

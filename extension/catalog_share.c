/*-------------------------------------------------------------------------
 *
 * catalog_share.c
 *	  Shares facts from the catalogs between the sessions of a preloaded server.
 *
 * A session that begins knows nothing of the catalogs.  To find a table by its name costs it as much as a dozen
 * look-ups in tables that it knows.  So sessions put facts into shared memory, where later ones find them.
 *
 * 1. A fact is right as long as no transaction has changed a catalog since it was looked up.  Each one that has done
 *	  so, in any database, adds to a number.  A fact has the number from before its look-up, and counts with this
 *	  number alone.
 *
 * 2. Nothing is shared while such a transaction commits: from the moment at which others see its changes until it has
 *	  sent its invalidation messages and released its locks.  So a session that gets a number has all messages of the
 *	  changes that it counts, and looks nothing up in an outdated cache.
 *
 * 3. A transaction that may have changed a catalog itself shares nothing: others do not see its changes.
 *
 * 4. The end of a prepared transaction runs none of this code, in whatever session.  So nothing is shared as long as
 *	  there is one that has changed a catalog, or that was prepared before the server started.  Each has a place in
 *	  shared memory.  Sessions that find nothing shared look whether it has ended: it holds the lock on its id until it
 *	  has sent its messages.  A standby shares nothing.
 *
 * 5. Nothing can fail, or allocate memory, when a transaction has committed: that would be a PANIC.  So it is asked
 *	  for its changes before, and those that come later, such as the drop of a temporary table, count in any case.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/sinval.h"
#include "utils/inval.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "catalog_share.h"
#include "compat.h"
#include "relation_change.h"
#include "shared_lock.h"

#define PLACES 1024
#define TRIED_PLACES 8

typedef struct SharedFact
{
	uint64 count; /* of changes; 0: the place is free */
	Oid database;
	char name[2 * NAMEDATALEN];
	char value[CATALOG_FACT_BYTES];
} SharedFact;

typedef struct SharedFacts
{
	pg_atomic_uint64 count;		 /* of changes, from 1 */
	pg_atomic_uint32 committing; /* transactions that commit changes now, or have prepared some */
	bool started;				 /* those that were prepared before the server started are among these; by the lock */
	SharedFact list[PLACES];
	pg_atomic_uint32 prepared[FLEXIBLE_ARRAY_MEMBER]; /* max_prepared_xacts ids of those that are prepared; 0: free */
} SharedFacts;

static SharedFacts *facts; /* NULL: the library is not preloaded */

/* This transaction may have changed a catalog, or another one that it has met. */
static bool is_changing;

/* At the end of this transaction: it has changed a catalog. */
static bool has_changed;

/* This transaction commits changes: others see them, but it has not sent its messages yet. */
static bool is_committing;

Size
catalog_share_size(void)
{
	return add_size(offsetof(SharedFacts, prepared), mul_size(max_prepared_xacts, sizeof(pg_atomic_uint32)));
}

void
catalog_share_attach(void)
{
	bool found;

	facts = ShmemInitStruct("pg_herald catalogs", catalog_share_size(), &found);
	if (found)
		return;
	memset(facts, 0, catalog_share_size());
	pg_atomic_init_u64(&facts->count, 1);
	pg_atomic_init_u32(&facts->committing, 0);
	for (int i = 0; i < max_prepared_xacts; i++)
		pg_atomic_init_u32(&facts->prepared[i], 0);
}

static void
note_relation_change(Oid relation)
{
	is_changing = has_changed = true;
}

static void
note_catalog_change(Datum argument, int cache, uint32 hash)
{
	is_changing = has_changed = true;
}

/* Returns whether the transaction, which is about to end, has changed a catalog up to now. */
static bool
has_changes(void)
{
	SharedInvalidationMessage *messages;
	bool init_file;

	return xactGetCommittedInvalidationMessages(&messages, &init_file) > 0;
}

/* Counts the present transaction, which is prepared.  Without a free place it counts until the server starts again. */
static void
count_prepared(TransactionId xid)
{
	pg_atomic_fetch_add_u32(&facts->committing, 1);
	for (int i = 0; i < max_prepared_xacts; i++)
	{
		uint32 free = 0;

		if (pg_atomic_compare_exchange_u32(&facts->prepared[i], &free, xid))
			return;
	}
}

static bool
is_counted_prepared(TransactionId xid)
{
	for (int i = 0; i < max_prepared_xacts; i++)
	{
		if (pg_atomic_read_u32(&facts->prepared[i]) == xid)
			return true;
	}
	return false;
}

/* Takes prepared transactions that have ended off the count. */
static void
discount_ended(void)
{
	for (int i = 0; i < max_prepared_xacts; i++)
	{
		uint32 xid = pg_atomic_read_u32(&facts->prepared[i]);

		if (xid == 0 || !has_released_locks(xid) || !pg_atomic_compare_exchange_u32(&facts->prepared[i], &xid, 0))
			continue;
		pg_atomic_fetch_add_u64(&facts->count, 1);
		pg_atomic_fetch_sub_u32(&facts->committing, 1);
	}
}

static void
on_transaction_end(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			discount_ended(); /* they have the places */
							  /* FALLTHROUGH */
		case XACT_EVENT_PRE_COMMIT:
			has_changed = has_changes();
			return;
		case XACT_EVENT_PREPARE:
			if (has_changed)
				count_prepared(GetTopTransactionIdIfAny());
			break;
		case XACT_EVENT_COMMIT:
			is_committing = has_changed;
			if (is_committing)
				pg_atomic_fetch_add_u32(&facts->committing, 1);
			break;
		default:
			break;
	}
	is_changing = has_changed = false;
}

/* The messages are sent before the locks are released. */
static void
on_release(ResourceReleasePhase phase, bool is_commit, bool is_top, void *argument)
{
	if (!is_committing || phase != RESOURCE_RELEASE_LOCKS)
		return;
	is_committing = false;
	pg_atomic_fetch_add_u64(&facts->count, 1);
	pg_atomic_fetch_sub_u32(&facts->committing, 1);
}

void
catalog_share_init(void)
{
	static const int caches[] = { PROCOID, NAMESPACEOID, DATABASEOID, AUTHOID, AUTHMEMROLEMEM };

	Assert(process_shared_preload_libraries_in_progress);
	relation_change_register(note_relation_change);
	for (int i = 0; i < lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], note_catalog_change, (Datum) 0);
	RegisterXactCallback(on_transaction_end, NULL);
	RegisterResourceReleaseCallback(on_release, NULL);
}

/*
 * Counts the transactions that were prepared before the server started: they may have changed a catalog.  After the end
 * of one, its entry has the id until another one takes it.
 */
static void
count_old_prepared(void)
{
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	for (int i = 0; i < max_prepared_xacts && !facts->started; i++)
	{
		if (TransactionIdIsValid(PreparedXactProcs[i].xid) && !is_counted_prepared(PreparedXactProcs[i].xid))
			count_prepared(PreparedXactProcs[i].xid);
	}
	facts->started = true;
	LWLockRelease(shared_lock());
}

/*
 * Returns the number of changes, or 0 while it grows.  It is read last: a transaction whose messages this session has
 * had before is still committing, or is in the number.
 */
static uint64
settled_count(void)
{
	if (!facts->started)
		count_old_prepared();
	pg_read_barrier();
	if (pg_atomic_read_u32(&facts->committing) > 0)
		discount_ended();
	if (pg_atomic_read_u32(&facts->committing) > 0)
		return 0;
	pg_read_barrier();
	return pg_atomic_read_u64(&facts->count);
}

uint64
catalog_share_count(void)
{
	uint64 count;

	if (facts == NULL || !IsTransactionState() || RecoveryInProgress())
		return 0;
	count = settled_count();
	AcceptInvalidationMessages();
	return is_changing ? 0 : count;
}

bool
catalog_share_is_possible(void)
{
	return facts != NULL && !is_changing;
}

static uint32
fact_hash(const char *name)
{
	return hash_bytes((const unsigned char *) name, (int) strlen(name)) ^ hash_bytes_uint32(MyDatabaseId);
}

/* Returns the place of a fact, whether it is right or not; NULL if there is none.  The caller holds the lock. */
static SharedFact *
place_of_fact(const char *name)
{
	uint32 hash = fact_hash(name);

	for (int i = 0; i < TRIED_PLACES; i++)
	{
		SharedFact *fact = &facts->list[(hash + i) % PLACES];

		if (fact->count != 0 && fact->database == MyDatabaseId && strcmp(fact->name, name) == 0)
			return fact;
	}
	return NULL;
}

/* Returns the place for a new fact: a free one, or the one that is outdated longest. */
static SharedFact *
place_for_fact(const char *name)
{
	uint32 hash = fact_hash(name);
	SharedFact *oldest = &facts->list[hash % PLACES];

	for (int i = 1; i < TRIED_PLACES; i++)
	{
		SharedFact *fact = &facts->list[(hash + i) % PLACES];

		if (fact->count < oldest->count)
			oldest = fact;
	}
	return oldest;
}

bool
catalog_share_find(uint64 count, const char *name, void *fact, Size size)
{
	const SharedFact *place;
	bool found;

	Assert(size <= CATALOG_FACT_BYTES);
	if (count == 0)
		return false;
	LWLockAcquire(shared_lock(), LW_SHARED);
	place = place_of_fact(name);
	found = place != NULL && place->count == count;
	if (found)
		memcpy(fact, place->value, size);
	LWLockRelease(shared_lock());
	return found;
}

void
catalog_share_add(uint64 count, const char *name, const void *fact, Size size)
{
	SharedFact *place;

	Assert(size <= CATALOG_FACT_BYTES && strlen(name) < 2 * NAMEDATALEN);
	if (count == 0 || is_changing)
		return;
	LWLockAcquire(shared_lock(), LW_EXCLUSIVE);
	place = place_of_fact(name);
	if (place == NULL)
		place = place_for_fact(name);
	if (place->count <= count)
	{
		place->count = count;
		place->database = MyDatabaseId;
		strlcpy(place->name, name, sizeof(place->name));
		memcpy(place->value, fact, size);
	}
	LWLockRelease(shared_lock());
}

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
 * 4. The commit of a prepared transaction, and the replay on a standby, add to no number.  So a prepared transaction
 *	  that has changed a catalog ends all sharing until the server starts again.  So does each that the server finds
 *	  when it starts.  A standby shares nothing.
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
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/sinval.h"
#include "utils/inval.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "catalog_share.h"
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
	pg_atomic_uint32 started;	 /* those that were prepared before the server started are counted */
	SharedFact list[PLACES];
} SharedFacts;

static SharedFacts *facts; /* NULL: the library is not preloaded */

/* This transaction may have changed a catalog, or another one that it has met. */
static bool is_changing;

/* This transaction commits changes: others see them, but it has not sent its messages yet. */
static bool is_committing;

Size
catalog_share_size(void)
{
	return sizeof(SharedFacts);
}

void
catalog_share_attach(void)
{
	bool found;

	facts = ShmemInitStruct("pg_herald catalogs", catalog_share_size(), &found);
	if (found)
		return;
	memset(facts, 0, sizeof(SharedFacts));
	pg_atomic_init_u64(&facts->count, 1);
	pg_atomic_init_u32(&facts->committing, 0);
	pg_atomic_init_u32(&facts->started, 0);
}

static void
note_relation_change(Oid relation)
{
	is_changing = true;
}

static void
note_catalog_change(Datum argument, int cache, uint32 hash)
{
	is_changing = true;
}

/* Returns whether the transaction, which is at its end, has changed a catalog. */
static bool
has_changes(void)
{
	SharedInvalidationMessage *messages;
	bool init_file;

	return xactGetCommittedInvalidationMessages(&messages, &init_file) > 0;
}

static void
on_transaction_end(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		return;
	is_changing = false;
	if ((event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE) && has_changes())
	{
		pg_atomic_fetch_add_u32(&facts->committing, 1);
		is_committing = event == XACT_EVENT_COMMIT;
	}
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
 * Counts a transaction that was prepared before the server started: it may have changed a catalog.  After its end, its
 * entry has the id until another one takes it.
 */
static void
count_old_prepared(void)
{
	int i = 0;

	while (i < max_prepared_xacts && !TransactionIdIsValid(PreparedXactProcs[i].xid))
		i++;
	if (i < max_prepared_xacts)
		pg_atomic_fetch_add_u32(&facts->committing, 1);
	pg_atomic_write_u32(&facts->started, 1);
}

/*
 * Returns the number of changes, or 0 while it grows.  It is read last: a transaction whose messages this session has
 * had before is still committing, or is in the number.
 */
static uint64
settled_count(void)
{
	if (pg_atomic_read_u32(&facts->started) == 0)
		count_old_prepared();
	pg_read_barrier();
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

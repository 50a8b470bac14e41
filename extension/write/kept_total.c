/*-------------------------------------------------------------------------
 *
 * kept_total.c
 *	  Tells whether totals are kept, to the writers of events that change them.
 *
 * A reader of a kept total finds the later events by the index of subjects
 * (read/total.c).  So the events of kept totals have entries there.  A writer looks for
 * the total after its transaction has got an id: the first count of a total waits for the
 * end of all transactions that may not have seen it (sql/parts/total.sql).
 *
 * A row in the table of totals, or an entry in its index, is enough, whichever transactions
 * see the row: an entry in the index of subjects that no reader needs does no harm.  The
 * snapshot of the statement keeps the former version of a row in its page.
 *
 * A statement that has asked the index as often as it costs to read the whole table reads
 * it, and knows all totals from then on.  One that is added later need not be known: its
 * count waits for this transaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "event_columns.h"
#include "own_table.h"
#include "write/kept_total.h"

/* To read a page of the table costs as much as so many questions to the index. */
#define QUESTIONS_PER_PAGE 8

/* The totals of a page take so many times its memory, while they are copied. */
#define MEMORY_PER_PAGE 8

typedef struct TotalKey
{
	text *counted_id;
	int32 counter;
} TotalKey;

typedef struct TotalEntry
{
	TotalKey key;
	uint32 hash;
	char status; /* of simplehash */
} TotalEntry;

static uint32
hash_total(TotalKey key)
{
	uint32 id = hash_bytes((const unsigned char *) VARDATA_ANY(key.counted_id), VARSIZE_ANY_EXHDR(key.counted_id));

	return hash_combine(id, murmurhash32(key.counter));
}

static bool
is_same_total(TotalKey a, TotalKey b)
{
	Size length = VARSIZE_ANY_EXHDR(a.counted_id);

	return a.counter == b.counter && VARSIZE_ANY_EXHDR(b.counted_id) == length &&
		   memcmp(VARDATA_ANY(a.counted_id), VARDATA_ANY(b.counted_id), length) == 0;
}

#define SH_PREFIX total_set
#define SH_ELEMENT_TYPE TotalEntry
#define SH_KEY_TYPE TotalKey
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_total(key)
#define SH_EQUAL(table, a, b) is_same_total(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) ((entry)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static OwnColumns *
total_columns(void)
{
	static const Oid types[] = { [TOTAL_COUNTED_ID - 1] = TEXTOID, [TOTAL_COUNTER - 1] = INT4OID };
	static OwnColumns columns = { .count = lengthof(types), .types = types };

	return &columns;
}

/* Opens the index alone: an entry is enough, and to open the table, too, costs the first write of a session more. */
static void
open_totals(KeptTotals *totals)
{
	MemoryContext caller = MemoryContextSwitchTo(totals->memory);

	Assert(FullTransactionIdIsValid(GetTopFullTransactionIdIfAny()));
	totals->index = index_open(own_table_oid("herald_internal", "total_pkey"), AccessShareLock);
	totals->scan = begin_bitmap_scan(totals->index, SnapshotAny, 2);
	totals->entries = tbm_create(work_mem * INT64CONST(1024), NULL);
	MemoryContextSwitchTo(caller);
}

/* Returns whether the index has an entry. */
static bool
index_has(KeptTotals *totals, Datum counter, Datum counted_id)
{
	MemoryContext caller;
	ScanKeyData keys[2];
	bool found;

	if (totals->index == NULL)
		open_totals(totals);
	ScanKeyEntryInitialize(&keys[0], 0, TOTAL_COUNTED_ID, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ,
						   counted_id);
	ScanKeyInit(&keys[1], TOTAL_COUNTER, BTEqualStrategyNumber, F_INT4EQ, counter);
	caller = MemoryContextSwitchTo(totals->memory); /* the access method allocates with the scan */
	index_rescan(totals->scan, keys, lengthof(keys), NULL, 0);
	found = index_getbitmap(totals->scan, totals->entries) > 0;
	MemoryContextSwitchTo(caller);
	return found;
}

/*
 * Looks for the row in the pages of the table, if there are few: the first write of a session then opens no index.
 * Returns false if there are many, and sets *found otherwise.
 */
static bool
look_into_pages(Datum counter, Datum counted_id, bool *found)
{
	OwnScan rows = own_scan_few("herald_internal", "total", "total_pkey", total_columns(), TOTAL_COUNTED_ID,
								SnapshotAny);
	bool few = rows.pages == 0 || rows.few != NULL;
	bool isnull;

	*found = false;
	if (few)
		own_scan_seek(&rows, counted_id);
	while (few && !*found && own_scan_next(&rows))
		*found = DatumGetInt32(own_scan_value(&rows, TOTAL_COUNTER, &isnull)) == DatumGetInt32(counter);
	own_scan_end(&rows);
	return few;
}

/*
 * Reads all totals if the table has so few pages.  They live as long as the questions.  Leaves them unread if an id is
 * not in its row: that of a dead row may be gone.
 */
static void
read_all_totals(KeptTotals *totals, uint64 most_pages)
{
	MemoryContext caller = MemoryContextSwitchTo(totals->memory);
	OwnScan rows = own_scan_small("herald_internal", "total", total_columns(), most_pages, SnapshotAny);
	bool complete = rows.pages <= most_pages;
	bool isnull;
	bool known;

	if (complete)
		totals->all = total_set_create(totals->memory, rows.pages * 100, NULL);
	while (complete && own_scan_next(&rows))
	{
		Datum id = own_scan_value(&rows, TOTAL_COUNTED_ID, &isnull);
		TotalKey key = { .counter = DatumGetInt32(own_scan_value(&rows, TOTAL_COUNTER, &isnull)) };

		complete = !VARATT_IS_EXTERNAL(DatumGetPointer(id));
		if (!complete)
			break;
		key.counted_id = DatumGetTextPCopy(id);
		(void) total_set_insert(totals->all, key, &known);
	}
	own_scan_end(&rows);
	if (!complete && totals->all != NULL)
	{
		total_set_destroy(totals->all);
		totals->all = NULL;
	}
	MemoryContextSwitchTo(caller);
}

/* Returns the number of pages that it pays to read, after so many questions, and for which there is memory. */
static uint64
most_pages_to_read(uint64 asked)
{
	uint64 fit = work_mem * UINT64CONST(1024) / BLCKSZ / MEMORY_PER_PAGE;

	return Min(asked / QUESTIONS_PER_PAGE, fit);
}

bool
kept_totals_have(KeptTotals *totals, Datum counter, Datum counted_id)
{
	TotalKey key = { DatumGetTextPP(counted_id), DatumGetInt32(counter) };
	bool found;

	totals->asked++;
	if (totals->asked == 1 && look_into_pages(counter, counted_id, &found))
		return found;
	/* The number of pages is asked for seldom: when the number of questions has doubled. */
	if (totals->all == NULL && totals->asked > 1 && (totals->asked & (totals->asked - 1)) == 0)
		read_all_totals(totals, most_pages_to_read(totals->asked));
	if (totals->all != NULL)
		return total_set_lookup(totals->all, key) != NULL;
	return index_has(totals, counter, counted_id);
}

void
kept_totals_end(KeptTotals *totals)
{
	if (totals->all != NULL)
		total_set_destroy(totals->all);
	if (totals->index == NULL)
		return;
	tbm_free(totals->entries);
	index_endscan(totals->scan);
	index_close(totals->index, AccessShareLock);
}

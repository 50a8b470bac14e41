/*-------------------------------------------------------------------------
 *
 * total.c
 *	  Reads totals, and finds the owners of their subjects.
 *
 * 1. A counter belongs to a watched table.  Its queries read that table and run as
 *	  the owner of the table.
 *
 * 2. The total of a subject with many events is kept as of a snapshot (fold_totals()).
 *	  The deltas of later events are added to it, so that a popular subject costs no more
 *	  than others.  An index finds these events: their writers have seen that it is kept.
 *
 * 3. The other subjects of a counter are counted together.  If that fails, each half of
 *	  them is counted alone: a subject that cannot be counted leaves the others theirs.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "event_columns.h"
#include "index_range.h"
#include "own_table.h"
#include "pin.h"
#include "query_cache.h"
#include "read/snapshot.h"
#include "read/total.h"
#include "subtransaction.h"
#include "table_rewrite.h"

/* The columns of herald_internal.counter. */
enum
{
	COUNTER_ID = 1,
	COUNTER_RELATION,
	COUNTER_FIELD,
	COUNTER_COUNT_SQL,
	COUNTER_SUBJECT_TYPE,
	COUNTER_OWNER_SQL
};

typedef struct Counter
{
	Oid relation;
	Oid role; /* the owner of the table */
	char *field;
	char *count_sql;
	char *owner_sql; /* NULL: subjects have no owner */
} Counter;

/* Returns false if there is no such counter, or its table is gone. */
static bool
find_counter(int32 id, Counter *counter)
{
	OwnScan row = own_scan_equal("herald_internal", "counter", "counter_pkey", Int32GetDatum(id),
								 GetActiveSnapshot());
	bool found = own_scan_next(&row);
	bool isnull;

	if (found)
	{
		counter->relation = DatumGetObjectId(own_scan_value(&row, COUNTER_RELATION, &isnull));
		counter->role = table_owner(counter->relation);
		counter->field = own_scan_text(&row, COUNTER_FIELD);
		counter->count_sql = own_scan_text(&row, COUNTER_COUNT_SQL);
		counter->owner_sql = own_scan_text(&row, COUNTER_OWNER_SQL);
	}
	own_scan_end(&row);
	return found && OidIsValid(counter->role);
}

/* ----- totals that are kept */

/* Returns the sum of a counter's deltas.  The range has events of a subject, of all its counters. */
static int64
sum_deltas(IndexRange *range, TupleDesc shape, int32 counter)
{
	HeapTuple row;
	int64 sum = 0;

	while ((row = index_range_next(range)) != NULL)
	{
		bool isnull;
		Datum delta;

		if (DatumGetInt32(heap_getattr(row, EVENT_COUNTER, shape, &isnull)) != counter)
			continue;
		delta = heap_getattr(row, EVENT_DELTA, shape, &isnull);
		sum += isnull ? 0 : DatumGetInt16(delta);
	}
	index_range_close(range);
	return sum;
}

static IndexRange
events_of_subject(Relation partition, const char *index, const Total *total)
{
	IndexRange range = index_range_open(partition, index);

	index_range_where(&range, EVENT_COUNTED_ID, BTEqualStrategyNumber, PointerGetDatum(total->subject));
	return range;
}

/* Returns the sum of the deltas of a subject that the snapshot does not see. */
static int64
deltas_since(const Total *total, const LogSnapshot *snapshot)
{
	int64 sum = 0;

	for (int i = 0; i < EVENT_PARTITIONS; i++)
	{
		Relation partition = table_open(own_table_oid("herald_internal", psprintf(EVENT_PARTITION, i)), AccessShareLock);
		const char *index = psprintf(EVENT_INDEX_BY_SUBJECT, i);
		IndexRange range = events_of_subject(partition, index, total);

		index_range_where(&range, EVENT_XID, BTGreaterEqualStrategyNumber, UInt64GetDatum(snapshot->xmax));
		sum += sum_deltas(&range, RelationGetDescr(partition), total->counter);
		if (snapshot->count > 0)
		{
			range = events_of_subject(partition, index, total);
			index_range_where_any(&range, EVENT_XID, snapshot_in_progress(snapshot));
			sum += sum_deltas(&range, RelationGetDescr(partition), total->counter);
		}
		table_close(partition, NoLock);
	}
	return sum;
}

/* Fills in a total that is kept.  Returns false if it is not. */
static bool
read_kept(Relation kept, Total *total)
{
	IndexRange range = index_range_open(kept, "total_pkey");
	Datum values[TOTAL_COLUMNS];
	bool nulls[TOTAL_COLUMNS];
	HeapTuple row;

	index_range_where(&range, TOTAL_COUNTED_ID, BTEqualStrategyNumber, PointerGetDatum(total->subject));
	index_range_where(&range, TOTAL_COUNTER, BTEqualStrategyNumber, Int32GetDatum(total->counter));
	row = index_range_next(&range);
	if (row != NULL)
		own_row_take(row, RelationGetDescr(kept), TOTAL_COLUMNS, values, nulls);
	if (row != NULL && !nulls[TOTAL_COUNT - 1])
	{
		LogSnapshot snapshot = snapshot_from_datum(values[TOTAL_SNAPSHOT - 1]);
		total->count = DatumGetInt64(values[TOTAL_COUNT - 1]) + deltas_since(total, &snapshot);
		total->known = true;
	}
	index_range_close(&range);
	return total->known;
}

/* ----- totals that are counted */

/* Some subjects of a counter, each once. */
typedef struct Batch
{
	const Counter *counter;
	Total **totals;
	int count;
} Batch;

/* Takes a row of the counter's query.  It may be any query of the table's owner. */
static void
batch_take(const Batch *batch, uint64 row)
{
	bool unplaced;
	bool uncounted;
	int64 place = DatumGetInt64(query_value(row, 1, &unplaced));
	int64 count = DatumGetInt64(query_value(row, 2, &uncounted));

	if (unplaced || uncounted || place < 1 || place > batch->count)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("the query of a counter returned no place of a subject")));
	batch->totals[place - 1]->count = count;
	batch->totals[place - 1]->known = true;
}

static void
batch_count(void *argument)
{
	static const Oid types[] = { INT8OID, INT8OID };
	Batch *batch = argument;
	SavedQuery query = { .name = "the query of a counter", .text = batch->counter->count_sql, .nargs = 1, .argtypes = { TEXTARRAYOID }, .read_only = true };
	Datum *subjects = palloc(sizeof(Datum) * batch->count);
	Datum array;
	uint64 rows;

	for (int i = 0; i < batch->count; i++)
		subjects[i] = PointerGetDatum(batch->totals[i]->subject);
	array = PointerGetDatum(construct_array(subjects, batch->count, TEXTOID, -1, false, TYPALIGN_INT));
	rows = query_cache_run(&query, &array, types, lengthof(types));
	for (uint64 row = 0; row < rows; row++)
		batch_take(batch, row);
}

static void
batch_try(const Batch *batch)
{
	Batch half = *batch;
	ErrorData *error = subtransaction_run(batch_count, &half);

	if (error == NULL)
		return;
	for (int i = 0; i < batch->count; i++)
		batch->totals[i]->known = false;
	if (batch->count == 1)
	{
		ereport(WARNING, (errmsg("could not count a total: %s", error->message)));
		return;
	}
	half.count = batch->count / 2;
	batch_try(&half);
	half.totals += half.count;
	half.count = batch->count - half.count;
	batch_try(&half);
}

/*
 * Returns whether the table of a counter can be read now, and locks it.  A table that is locked, or that the snapshot
 * sees empty, makes an event come without its total, rather than late or with a wrong one.
 */
static bool
lock_table(const Counter *counter)
{
	return ConditionalLockRelationOid(counter->relation, AccessShareLock) && !table_was_rewritten(counter->relation);
}

/* Counts in the application's table. */
static void
count_in_table(QueryScope *scope, const Batch *batch)
{
	if (batch->count == 0)
		return;
	query_lend(scope, batch->counter->role);
	/* The plan may be older than most of the rows: an index, if there is one, is always right for a few subjects. */
	pin_setting("enable_seqscan", "off");
	if (lock_table(batch->counter))
		batch_try(batch);
	query_reclaim(scope);
}

/* ----- both */

static int
compare_totals(const void *a, const void *b)
{
	const Total *left = *(Total *const *) a;
	const Total *right = *(Total *const *) b;
	int left_size = VARSIZE_ANY_EXHDR(left->subject);
	int right_size = VARSIZE_ANY_EXHDR(right->subject);

	if (left->counter != right->counter)
		return left->counter < right->counter ? -1 : 1;
	if (left_size != right_size)
		return left_size < right_size ? -1 : 1;
	return memcmp(VARDATA_ANY(left->subject), VARDATA_ANY(right->subject), left_size);
}

/* Fills in sorted totals of one counter: each subject is looked up once. */
static void
read_totals_of(QueryScope *scope, Total **totals, int count)
{
	Relation kept;
	Counter counter;
	Batch batch = { &counter, palloc(sizeof(Total *) * count), 0 };

	if (!find_counter(totals[0]->counter, &counter))
		return;
	kept = table_open(own_table_oid("herald_internal", "total"), AccessShareLock);
	for (int i = 0; i < count; i++)
	{
		totals[i]->field = counter.field;
		if ((i == 0 || compare_totals(&totals[i - 1], &totals[i]) != 0) && !read_kept(kept, totals[i]))
			batch.totals[batch.count++] = totals[i];
	}
	table_close(kept, AccessShareLock);
	count_in_table(scope, &batch);
	for (int i = 1; i < count; i++)
	{
		if (compare_totals(&totals[i - 1], &totals[i]) == 0)
			*totals[i] = *totals[i - 1];
	}
}

void
totals_read(QueryScope *scope, Total **totals, int count)
{
	int end;

	qsort(totals, count, sizeof(Total *), compare_totals);
	for (int begin = 0; begin < count; begin = end)
	{
		for (end = begin + 1; end < count && totals[end]->counter == totals[begin]->counter; end++)
			;
		read_totals_of(scope, &totals[begin], end - begin);
	}
}

/* Returns the totals of subjects, in memory that the end of a query scope does not free: to be filled in. */
static Total *
totals_of_arrays(ArrayType *counters, ArrayType *subjects, int *count)
{
	Datum *ids;
	Datum *texts;
	int texts_count;
	Total *totals;

	deconstruct_array(counters, INT4OID, sizeof(int32), true, TYPALIGN_INT, &ids, NULL, count);
	deconstruct_array(subjects, TEXTOID, -1, false, TYPALIGN_INT, &texts, NULL, &texts_count);
	if (*count != texts_count)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("the arrays must have the same length")));
	totals = palloc0(sizeof(Total) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		totals[i].counter = DatumGetInt32(ids[i]);
		totals[i].subject = DatumGetTextPP(texts[i]);
	}
	return totals;
}

PG_FUNCTION_INFO_V1(herald_totals_of);

/* herald_internal.totals_of(counters, ids) returns totals as of now; null: it cannot be counted. */
Datum
herald_totals_of(PG_FUNCTION_ARGS)
{
	int count;
	Total *totals = totals_of_arrays(PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(1), &count);
	Total **sorted = palloc(sizeof(Total *) * (count + 1));
	Datum *values = palloc(sizeof(Datum) * (count + 1));
	bool *nulls = palloc(sizeof(bool) * (count + 1));
	int first = 1;
	QueryScope scope;

	for (int i = 0; i < count; i++)
		sorted[i] = &totals[i];
	query_begin(&scope);
	totals_read(&scope, sorted, count);
	query_end(&scope);
	for (int i = 0; i < count; i++)
	{
		values[i] = Int64GetDatum(totals[i].count);
		nulls[i] = !totals[i].known;
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, 1, &count, &first, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
											 TYPALIGN_DOUBLE));
}

/* ----- owners */

/* One run of a counter's query for the owner of a subject. */
typedef struct OwnerLookup
{
	const char *sql;
	Datum subject;
	Datum owner; /* in the memory of SPI's caller */
	bool isnull;
} OwnerLookup;

static void
owner_lookup_run(void *argument)
{
	static const Oid type = TEXTOID;
	OwnerLookup *lookup = argument;
	SavedQuery query = { .name = "the query for the owner of a subject", .text = lookup->sql, .nargs = 1, .argtypes = { TEXTOID }, .read_only = true };

	if (query_cache_run(&query, &lookup->subject, &type, 1) == 1)
		lookup->owner = query_value(0, 1, &lookup->isnull);
	if (!lookup->isnull)
		lookup->owner = SPI_datumTransfer(lookup->owner, false, -1);
}

/* Runs the query and turns its error into a warning and a null. */
static void
owner_lookup_try(OwnerLookup *lookup)
{
	ErrorData *error = subtransaction_run(owner_lookup_run, lookup);

	if (error == NULL)
		return;
	lookup->isnull = true;
	ereport(WARNING, (errmsg("could not find the owner of a subject: %s", error->message)));
}

PG_FUNCTION_INFO_V1(herald_owner_now);

/* herald_internal.owner_now(counter, id) returns the owner of a subject, or NULL if it cannot be found now. */
Datum
herald_owner_now(PG_FUNCTION_ARGS)
{
	OwnerLookup lookup = { .subject = PG_GETARG_DATUM(1), .isnull = true };
	QueryScope scope;
	Counter counter;

	query_begin(&scope);
	if (find_counter(PG_GETARG_INT32(0), &counter) && counter.owner_sql != NULL)
	{
		lookup.sql = counter.owner_sql;
		query_lend(&scope, counter.role);
		if (lock_table(&counter))
			owner_lookup_try(&lookup);
	}
	query_end(&scope);
	if (lookup.isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(lookup.owner);
}

/*-------------------------------------------------------------------------
 *
 * query_rows.c
 *	  Runs saved queries over rows that a scope offers: by look-ups for few rows,
 *	  by the planner for many.
 *
 * A build with assertions has the setting herald.verify_lookups: each query that
 * look-ups answer then runs by the planner, too, and a difference ends the session.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "miscadmin.h"

#include "lookup.h"
#include "query_rows.h"
#include "settings.h"

/* For more rows than these, the planner may find a better way than an index whose keys match several rows. */
#define FEW_ROWS 9

void
query_rows_offer(QueryScope *scope, const char *name, Tuplestorestate *store, TupleDesc shape, Oid relation)
{
	register_ENR(scope->offered, query_offer(name, store, shape, relation));
}

/* Runs a query by look-ups.  Returns false, and has done nothing, if that is impossible. */
static bool
run_lookups(const QueryScope *scope, SavedQuery *query, uint64 incoming, Tuplestorestate *store, TupleDesc shape)
{
	LookupQuery lookup = {
		.text = query->text,
		.offered = scope->offered,
		.store = store,
		.shape = shape,
		.wrong_columns = QUERY_WRONG_COLUMNS,
		.latest = query->latest,
		.many = incoming > FEW_ROWS,
	};

	if (!query->latest)
		CommandCounterIncrement();
	if (lookup_run_plain(&query->lookups, &lookup))
		return true;
	lookup.source = query_source(query);
	return lookup.source != NULL && lookup_run(&query->lookups, &lookup);
}

#ifdef USE_ASSERT_CHECKING

/* Compares what a tuplestore keeps of a tuple when it writes it to disk. */
static int
compare_tuples(const void *a, const void *b)
{
	const MinimalTuple first = *(const MinimalTuple *) a;
	const MinimalTuple second = *(const MinimalTuple *) b;

	if (first->t_len != second->t_len)
		return first->t_len < second->t_len ? -1 : 1;
	return memcmp((char *) first + MINIMAL_TUPLE_DATA_OFFSET, (char *) second + MINIMAL_TUPLE_DATA_OFFSET,
				  first->t_len - MINIMAL_TUPLE_DATA_OFFSET);
}

/* Returns the rows of a tuplestore, sorted. */
static MinimalTuple *
sorted_rows(Tuplestorestate *store, TupleDesc shape)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);
	MinimalTuple *rows = palloc(sizeof(MinimalTuple) * (tuplestore_tuple_count(store) + 1));
	int count = 0;

	tuplestore_rescan(store);
	while (tuplestore_gettupleslot(store, true, false, slot))
		rows[count++] = ExecCopySlotMinimalTuple(slot);
	ExecDropSingleTupleTableSlot(slot);
	qsort(rows, count, sizeof(MinimalTuple), compare_tuples);
	return rows;
}

static bool
have_same_rows(Tuplestorestate *a, Tuplestorestate *b, TupleDesc shape)
{
	int64 count = tuplestore_tuple_count(a);
	MinimalTuple *first = sorted_rows(a, shape);
	MinimalTuple *second = sorted_rows(b, shape);
	bool same = tuplestore_tuple_count(b) == count;

	for (int64 i = 0; same && i < count; i++)
		same = compare_tuples(&first[i], &second[i]) == 0;
	return same;
}

/* Runs a query by look-ups and by the planner, and compares the results. */
static bool
verify_lookups(const QueryScope *scope, SavedQuery *query, uint64 incoming, Tuplestorestate *store, TupleDesc shape)
{
	Tuplestorestate *planned = tuplestore_begin_heap(false, false, work_mem);
	Tuplestorestate *found = tuplestore_begin_heap(false, false, work_mem);
	bool done = run_lookups(scope, query, incoming, found, shape);

	if (done)
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(shape, &TTSOpsMinimalTuple);

		query_run_into(query, incoming, NULL, planned, shape);
		if (!have_same_rows(planned, found, shape))
			elog(FATAL, "look-ups and planner differ about %s: %s", query->name, query->text);
		tuplestore_rescan(found);
		while (tuplestore_gettupleslot(found, true, false, slot))
			tuplestore_puttupleslot(store, slot);
		ExecDropSingleTupleTableSlot(slot);
	}
	tuplestore_end(planned);
	tuplestore_end(found);
	return done;
}

#else
#define verify_lookups run_lookups
#endif

void
query_rows_run(const QueryScope *scope, SavedQuery *query, uint64 incoming, Tuplestorestate *store, TupleDesc shape)
{
	bool done = false;

	Assert(query->nargs == 0 && !query->read_only);
	if (incoming > 0)
		done = (herald_verify_lookups ? verify_lookups : run_lookups)(scope, query, incoming, store, shape);
	if (!done)
		query_run_into(query, incoming, NULL, store, shape);
}

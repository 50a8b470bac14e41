/*-------------------------------------------------------------------------
 *
 * query_rows.h
 *	  Runs saved queries over rows that a scope offers: by look-ups for few rows,
 *	  by the planner for many.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_QUERY_ROWS_H
#define HERALD_QUERY_ROWS_H

#include "postgres.h"

#include "query.h"

/* Offers rows as query_offer() does, and to query_rows_run(). */
extern void query_rows_offer(QueryScope *scope, const char *name, Tuplestorestate *store, TupleDesc shape,
							 Oid relation);

/*
 * Runs a query without parameters over so many offered rows, as query_run_into() does.  Few rows need neither planner
 * nor executor if look-ups by index answer the query (lookup.h).  Without any rows, the scope may be NULL.
 */
extern void query_rows_run(const QueryScope *scope, SavedQuery *query, uint64 incoming, Tuplestorestate *store,
						   TupleDesc shape);

#endif /* HERALD_QUERY_ROWS_H */

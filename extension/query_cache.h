/*-------------------------------------------------------------------------
 *
 * query_cache.h
 *	  Keeps the plans of queries that are compiled from watched tables.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_QUERY_CACHE_H
#define HERALD_QUERY_CACHE_H

#include "query.h"

/*
 * Runs a query like query_run_once(), and keeps its plan for the next query with the same text.  "name" must be
 * static; the text is copied.  A table that was rewritten after the snapshot is an error: the query may run again.
 */
extern uint64 query_cache_run(SavedQuery *query, Datum *values, const Oid *types, int columns);

#endif /* HERALD_QUERY_CACHE_H */

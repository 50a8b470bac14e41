/*-------------------------------------------------------------------------
 *
 * query.h
 *	  Saved queries and the role and search path that they run with.  The only
 *	  user of SPI.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_QUERY_H
#define HERALD_QUERY_H

#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/tuplestore.h"

#define QUERY_MAX_ARGS 13
#define QUERY_SIZE_CLASSES 7

/*
 * A query whose plans live as long as the backend or, for those of a rule, as
 * the rule's cache entry.  A plan is made for the order of magnitude of the
 * rows that come in, because the first plan that the server makes for a
 * transition table stays: one made for 10,000 rows must not serve one row.
 */
typedef struct SavedQuery
{
	const char *name; /* stands in error messages */
	const char *text;
	int nargs;
	Oid argtypes[QUERY_MAX_ARGS];
	bool read_only; /* sees the caller's snapshot, not a newer one */
	bool latest;	/* sees what is committed by now, whatever the isolation level */
	int cursor_options;
	SPIPlanPtr plans[QUERY_SIZE_CLASSES];
} SavedQuery;

/* A column of a shape. */
typedef struct QueryColumn
{
	const char *name;
	Oid type;
} QueryColumn;

/* What query_begin() changed and query_end() puts back. */
typedef struct QueryScope
{
	Oid role;
	int security;
	int guc_level;
} QueryScope;

/*
 * Connects to SPI as the given role with the search path pinned and without JIT.  Every
 * query_begin() has its query_end(), but for errors, which put everything back
 * by themselves.  A restricted scope cannot leave traps behind for the caller's
 * role: no SET ROLE, no deferred triggers, no temporary tables.
 */
extern void query_begin(QueryScope *scope, Oid role, bool restricted);
extern void query_end(QueryScope *scope);

/* Changes the role within a scope. */
extern void query_become(QueryScope *scope, Oid role, bool restricted);

/*
 * Runs a query, planned for that many incoming rows, and returns how many rows
 * it processed; its result is in SPI_tuptable.
 */
extern uint64 query_run(SavedQuery *query, uint64 incoming, Datum *values, const char *nulls);

/* Runs a query whose plan is not worth keeping. */
extern uint64 query_run_once(SavedQuery *query, Datum *values);

/*
 * Runs a query and puts its result into a tuplestore of that shape, reporting a
 * result of another shape as an error.
 */
extern void query_run_into(SavedQuery *query, uint64 incoming, Tuplestorestate *store, TupleDesc shape);

/* The tables and views that a query reads, without running it, as a list of oids. */
extern List *query_relations(SavedQuery *query);

/* Frees the plans of a query. */
extern void query_forget(SavedQuery *query);

/* The row type of these columns; made once and kept in *shape for the life of the backend. */
extern TupleDesc query_shape(TupleDesc *shape, const QueryColumn *columns, int count);

/* Makes a tuplestore visible to queries of this scope under that name. */
extern void query_offer(const char *name, Tuplestorestate *store, TupleDesc shape, Oid relation);

/* Makes a trigger's transition tables visible to queries of this scope. */
extern void query_offer_changes(TriggerData *trigger);

/* Column of the result's row, as text in the caller's context (NULL for null). */
extern char *query_text(uint64 row, int column);
extern Datum query_value(uint64 row, int column, bool *isnull);

/* A text that outlives the scope. */
extern Datum query_keep_text(const char *text);

/*
 * Begins the result of a set-returning function, in the memory of its caller;
 * *shape is the declared row type.
 */
extern Tuplestorestate *query_result_begin(FunctionCallInfo fcinfo, TupleDesc *shape);

/* Returns a table of schema herald_internal; InvalidOid where the extension is not installed. */
extern Oid query_own_table(const char *name);

/* The role that owns the extension: it alone writes inbox and log. */
extern Oid query_extension_owner(void);

#endif /* HERALD_QUERY_H */

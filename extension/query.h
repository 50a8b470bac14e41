/*-------------------------------------------------------------------------
 *
 * query.h
 *	  Runs saved queries as a role, with a pinned search path: the only user of SPI.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_QUERY_H
#define HERALD_QUERY_H

#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

#include "lookup.h"

#define QUERY_MAX_ARGS 13
#define QUERY_SIZE_CLASSES 7
#define QUERY_WRONG_COLUMNS gettext_noop("the result of the rule's query does not have the required columns")

/*
 * A query and its plans.  They live as long as the backend or, for the queries of
 * a rule, as long as the rule's cache entry.  There is a plan for each order of
 * magnitude of incoming rows, because the server keeps the first plan that it
 * makes for a transition table: a plan for 10,000 rows must not serve one row.
 */
typedef struct SavedQuery
{
	const char *name; /* for error messages */
	const char *text;
	int nargs;
	Oid argtypes[QUERY_MAX_ARGS];
	bool read_only;	 /* uses the caller's snapshot, not a newer one */
	bool latest;	 /* sees all commits up to now, at any isolation level; its tables are locked, or our own */
	bool complete;	 /* fails if a table was rewritten after its snapshot, which sees no row of the table */
	bool keeps_path; /* runs with the search path that is set, also if its functions have none */
	int cursor_options;
	Oid path_role;			/* who runs it with the path ... */
	uint64 path_generation; /* ... as of this state of functions, schemas and roles */
	char *path;				/* the search path for its functions (function_path.h); NULL: the one that is set */
	SPIPlanPtr plans[QUERY_SIZE_CLASSES];
	LookupCache *lookups; /* its plan of look-ups by index (lookup.h) */
} SavedQuery;

/* A column of a row type. */
typedef struct QueryColumn
{
	const char *name;
	Oid type;
} QueryColumn;

/* The settings that query_begin() saves and query_end() restores, and those of a loan. */
typedef struct QueryScope
{
	Oid role;
	int security;
	int guc_level;
	Oid owner;				   /* of the extension */
	int loan_level;			   /* of the settings that borrowed SQL changes; 0: nothing is lent */
	QueryEnvironment *offered; /* by query_rows_offer() */
} QueryScope;

/* Connects to SPI as the owner of the extension, with all settings pinned that change the text of a value.  Every
 * query_open() needs a query_end(), except after an error: the abort restores everything.  A query pins the search
 * path, and turns JIT off; others call query_pin() before.  query_begin() does both: that costs more than a row. */
extern void query_open(QueryScope *scope);
extern void query_pin(void);
extern void query_begin(QueryScope *scope);
extern void query_end(QueryScope *scope);

/* Lends the scope to SQL of the application: queries run as the role until the next query_lend(), query_reclaim()
 * or query_end(), which takes back all settings that they have changed.  They cannot affect the caller's role: no
 * SET ROLE, no deferred triggers, no temporary tables, no cursors WITH HOLD. */
extern void query_lend(QueryScope *scope, Oid role);

/* Ends a loan: the queries run as the owner of the extension again, with the pinned settings. */
extern void query_reclaim(QueryScope *scope);
/* Forgets a loan that the abort of a subtransaction has ended: both began in it. */
extern void query_abandon_loan(QueryScope *scope);

/* Raises an error if a query does not compile, the current role lacks a privilege for it, or its result does not fit
 * the row type, unless that is NULL.  Neither plans nor runs the query, and keeps nothing. */
extern void query_compile(SavedQuery *query, TupleDesc shape);

/* The same for a text, with the parser's hooks that "setup" sets for the argument.  "walk" gets the analyzed query. */
extern void query_analyze(const char *text, ParserSetupHook setup, bool (*walk)(Node *, void *), void *argument);

/* Runs a query with the plan for that many incoming rows.  Returns the number of its rows; SPI_tuptable has them. */
extern uint64 query_run(SavedQuery *query, uint64 incoming, Datum *values, const char *nulls);

/* Runs a query and keeps no plan.  Returns its number of rows.  With columns it checks their types. */
extern uint64 query_run_once(SavedQuery *query, Datum *values, const Oid *types, int columns);

/* Raises an error unless the last result, that of the query, has exactly columns of these types. */
extern void query_check_types(const SavedQuery *query, const Oid *types, int columns);

/* Runs a query and adds its result to a tuplestore of that row type; another type is an error.  No value is null. */
extern void query_run_into(SavedQuery *query, uint64 incoming, const Datum *values, Tuplestorestate *store,
						   TupleDesc shape);

/* Raises an error unless the columns of a query's result have the names of the row type; does not run the query. */
extern void query_check_names(SavedQuery *query, TupleDesc shape);

/* Return new lists of the OIDs of the tables and views of a query, and of its trees, which live as long as its plan. */
extern List *query_relations(SavedQuery *query);
extern List *query_trees(SavedQuery *query);

/* Returns a query's only statement, or NULL.  Sets the search path for its functions until the end of the loan. */
extern CachedPlanSource *query_source(SavedQuery *query);

/* Frees the plans of a query. */
extern void query_forget(SavedQuery *query);

/* Returns the row type of these columns, made once and kept in *shape as long as the backend lives. */
extern TupleDesc query_shape(TupleDesc *shape, const QueryColumn *columns, int count);

/* Offers a tuplestore to the queries of this scope, with the row type of the relation or, without one, "shape". */
extern EphemeralNamedRelation query_offer(const char *name, Tuplestorestate *store, TupleDesc shape, Oid relation);

/* Return a column of a row of the last result; the text is in the current memory context, NULL for null. */
extern char *query_text(uint64 row, int column);
extern Datum query_value(uint64 row, int column, bool *isnull);

/* Returns a datum of type text in the memory of the scope's caller. */
extern Datum query_text_for_caller(const char *text);

/* Begins the result of a set-returning function in its caller's memory; *shape becomes the declared row type. */
extern Tuplestorestate *query_result_begin(FunctionCallInfo fcinfo, TupleDesc *shape);

/* Returns the OID of a table in schema herald_internal, or InvalidOid if there is none. */
extern Oid query_own_table(const char *name);

/* Returns the role that owns the extension: only it writes the inbox and the event log. */
extern Oid query_extension_owner(void);

#endif /* HERALD_QUERY_H */

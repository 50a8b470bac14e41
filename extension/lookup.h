/*-------------------------------------------------------------------------
 *
 * lookup.h
 *	  Runs queries over offered rows without planner and executor, where look-ups
 *	  by index answer them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_H
#define HERALD_LOOKUP_H

#include "postgres.h"

#include "utils/plancache.h"
#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

typedef struct LookupCache LookupCache;

/* A run of a saved query. */
typedef struct LookupQuery
{
	const char *text;
	CachedPlanSource *source;  /* not read by lookup_run_plain() */
	QueryEnvironment *offered; /* the relations of which it reads one, or two */
	Tuplestorestate *store;	   /* gets the result ... */
	TupleDesc shape;		   /* ... which must have this row type ... */
	const char *wrong_columns; /* ... or this is the error */
	bool latest;			   /* it sees what is committed now, not what the transaction sees */
	bool many;				   /* look-ups answer the query only if each finds at most one row */
} LookupQuery;

/* Registers the function that keeps shared plans up to date. */
extern void lookup_init(void);

/*
 * Runs a query as the current role if *cache or another session has a plan that is right now and plain
 * (plain_expression.h): no search path matters to it, and it changes no setting.  Returns false otherwise, and has run
 * nothing.  *cache begins as NULL.
 */
extern bool lookup_run_plain(LookupCache **cache, const LookupQuery *query);

/*
 * Runs a query as the current role.  Returns false, and has done nothing, if look-ups by index do not answer it.  Keeps
 * the plan in *cache, which lookup_run_plain() has made.  Errors are those of the server's own run.
 */
extern bool lookup_run(LookupCache **cache, const LookupQuery *query);

/* Frees a kept plan, and sets it to NULL. */
extern void lookup_forget(LookupCache **cache);

#endif /* HERALD_LOOKUP_H */

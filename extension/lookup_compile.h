/*-------------------------------------------------------------------------
 *
 * lookup_compile.h
 *	  Compiles a query over offered rows into look-ups by index.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_COMPILE_H
#define HERALD_LOOKUP_COMPILE_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/queryenvironment.h"

#include "lookup_plan.h"

/*
 * Returns a plan for a rewritten query whose tables are locked, in a memory context of its own below the current one.
 * Raises an error if the current role may not read a table of the query or execute a function of it.  Shares a plain
 * plan with other sessions, as that of this text.
 */
extern LookupPlan *lookup_compile(const char *text, Query *query, QueryEnvironment *offered);

/*
 * Returns a plain plan for a text that another session has shared, and locks its tables; NULL if there is none that
 * is right.
 */
extern LookupPlan *lookup_compile_shared(const char *text, QueryEnvironment *offered);

#endif /* HERALD_LOOKUP_COMPILE_H */

/*-------------------------------------------------------------------------
 *
 * lookup_translate.h
 *	  Translates expressions of a query into expressions over the joined row of a
 *	  lookup plan.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_TRANSLATE_H
#define HERALD_LOOKUP_TRANSLATE_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/queryenvironment.h"

#include "lookup_plan.h"

#define NO_INPUT (-1)

/* A query, or a subquery that is pulled up, and the meaning of its range table. */
typedef struct LookupLevel
{
	Query *query;
	struct LookupLevel *outer;
	int *inputs;				 /* by range table index: the input, or NO_INPUT */
	struct LookupLevel **levels; /* by range table index: the subquery, or NULL */
} LookupLevel;

/* A query that is being compiled. */
typedef struct LookupCompilation
{
	LookupPlan *plan;
	QueryEnvironment *offered;
	bool fits;
	bool paired;		/* the two offered relations are joined by the number of the row */
	List *conditions;	/* LevelCondition nodes of lookup_compile.c */
	LookupLevel *level; /* of the expression that is translated ... */
	int translating;	/* ... for the LEFT JOIN with this input, or NO_INPUT */
} LookupCompilation;

/* Returns the expression of a level over the joined row.  Sets work->fits to false if there is none. */
extern Node *lookup_translate(LookupCompilation *work, LookupLevel *level, Node *expression);

#endif /* HERALD_LOOKUP_TRANSLATE_H */

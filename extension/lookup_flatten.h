/*-------------------------------------------------------------------------
 *
 * lookup_flatten.h
 *	  Makes the inputs of a lookup plan from the relations of a query.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_FLATTEN_H
#define HERALD_LOOKUP_FLATTEN_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "lookup_translate.h"

/* Conditions for AND of one level: of WHERE and of INNER JOIN, or those of a LEFT JOIN with an input. */
typedef struct LevelCondition
{
	LookupLevel *level;
	Node *condition;
	int left_input; /* NO_INPUT: none */
} LevelCondition;

/*
 * Adds the relations of a query to the inputs, in the order in which they are joined, and the conditions to those of
 * the compilation.  Returns NULL if the query does anything but join, filter and compute, or reads no offered relation.
 */
extern LookupLevel *lookup_flatten(LookupCompilation *work, Query *query);

#endif /* HERALD_LOOKUP_FLATTEN_H */

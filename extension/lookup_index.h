/*-------------------------------------------------------------------------
 *
 * lookup_index.h
 *	  Finds the index by which a lookup plan reads a table.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_INDEX_H
#define HERALD_LOOKUP_INDEX_H

#include "postgres.h"

#include "lookup_plan.h"

/* Returns the last input of which an expression over the joined row needs a column; -1 for none. */
extern int lookup_last_input(Node *expression, const LookupPlan *plan);

/*
 * Sets the index of an input, and makes keys of those parts of its condition that compare the leading columns of the
 * index with values of earlier inputs.  Returns false if it has no such index.
 */
extern bool lookup_index_find(LookupPlan *plan, int input);

#endif /* HERALD_LOOKUP_INDEX_H */

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

/* Finds indexes for all tables, and makes keys of parts of their conditions.  Returns whether each has one. */
extern bool lookup_index_find_all(LookupPlan *plan);

/* Returns whether a plan with indexes is plain. */
extern bool lookup_is_plain(const LookupPlan *plan);

#endif /* HERALD_LOOKUP_INDEX_H */

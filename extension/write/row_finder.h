/*-------------------------------------------------------------------------
 *
 * row_finder.h
 *	  Finds rows of the application's tables by their primary key, as they were or are.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ROW_FINDER_H
#define HERALD_ROW_FINDER_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/rel.h"

typedef struct RowFinder RowFinder;

/*
 * Begins with a table that the statement has locked, in the current memory context.  Returns NULL if its rows have no
 * primary key with a btree index that is checked at once, or if the table is partitioned, is a partition, or has
 * children: then a row with the same key could be elsewhere.
 */
extern RowFinder *row_finder_begin(Relation relation);
extern void row_finder_end(RowFinder *finder);

/*
 * Returns whether a row has the key of this one, as commands of this transaction before "seen" left it.  Puts that row
 * into the slot "found", of the table's row type, unless it is NULL.
 */
extern bool row_finder_find(RowFinder *finder, TupleTableSlot *row, CommandId seen, TupleTableSlot *found);

/* Returns whether the row that was found last was there at that time, in the same version. */
extern bool row_finder_was_there(RowFinder *finder, CommandId seen);

#endif /* HERALD_ROW_FINDER_H */

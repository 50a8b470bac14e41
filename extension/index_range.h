/*-------------------------------------------------------------------------
 *
 * index_range.h
 *	  Reads a range of an index of the extension's own tables without a query.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_INDEX_RANGE_H
#define HERALD_INDEX_RANGE_H

#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "utils/rel.h"

#define INDEX_RANGE_CONDITIONS 4

/* The rows of a table that fulfil conditions on the columns of an index, in the order of the index. */
typedef struct IndexRange
{
	Relation table;
	Relation index;
	ScanKeyData conditions[INDEX_RANGE_CONDITIONS];
	int count;
	SysScanDesc scan; /* NULL before the first row */
} IndexRange;

/* Opens a B-tree index in the schema of the table.  Its first columns are to get conditions. */
extern IndexRange index_range_open(Relation table, const char *index);

/* Adds a condition: the column compares to the value like this, or equals one of an array of its type. */
extern void index_range_where(IndexRange *range, AttrNumber column, StrategyNumber comparison, Datum value);
extern void index_range_where_any(IndexRange *range, AttrNumber column, Datum array);

/* Returns the next row that the active snapshot sees, valid until the next call; NULL behind the last one. */
extern HeapTuple index_range_next(IndexRange *range);

/* Closes the index.  Its lock and that of the table last until the end of the transaction. */
extern void index_range_close(IndexRange *range);

#endif /* HERALD_INDEX_RANGE_H */

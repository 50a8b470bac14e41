/*-------------------------------------------------------------------------
 *
 * own_table.h
 *	  Reads the extension's own tables without a query.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_OWN_TABLE_H
#define HERALD_OWN_TABLE_H

#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "compat.h"
#include "own_relation.h"

/* Columns of some types are read as others of the same form: a session looks these types up anyway. */
#define OWN_OID INT4OID		   /* oid and its aliases */
#define OWN_ARRAY TEXTARRAYOID /* integer[] */

/* The types of the first columns of a table, as far as the caller reads them. */
typedef struct OwnColumns
{
	TupleDesc shape; /* NULL: not made yet */
	int count;
	const Oid *types;
} OwnColumns;

/* A scan over all rows of a table, or over those with some value in the first column of an index. */
typedef struct OwnScan
{
	MemoryContext memory; /* the current one when it began */
	const char *schema;
	Oid table; /* locked until it ends */
	RelFileLocator file;
	BlockNumber pages; /* when it began */
	Snapshot snapshot;
	List *rows; /* those that were read without opening the table: copies */
	int next;	/* the place of the next one in "rows" */
	/* These are for a scan by an index. */
	const char *by_index;
	AttrNumber column; /* of the table: the first one of the index */
	OwnColumns *few;   /* the next look-up reads the pages; NULL: it opens the table */
	Relation relation; /* NULL: not open */
	Relation index;
	IndexScanDesc equal;
	ScanKeyData key;
	TupleTableSlot *row; /* the current one; NULL: no row has been read */
} OwnScan;

/*
 * Begins a scan over a table of few rows, in no order.  The snapshot is registered.  An update of the extension that
 * adds one of the columns to such a table rewrites it.
 */
extern OwnScan own_scan_all(const char *schema, const char *table, OwnColumns *columns, Snapshot snapshot);

/* The same, over no rows if the table has more pages: "pages" tells. */
extern OwnScan own_scan_small(const char *schema, const char *table, OwnColumns *columns, uint64 most_pages,
							  Snapshot snapshot);

/*
 * Begins a scan by an index.  own_scan_seek() begins it anew, with the rows that have this value in the index's first
 * column, which is of type oid, regclass, integer or text.  The value lives until the last of these rows.
 */
extern OwnScan own_scan_by_index(const char *schema, const char *table, const char *index, Snapshot snapshot);
extern void own_scan_seek(OwnScan *scan, Datum value);

/*
 * Begins a scan by an index whose first column is a column of the table, of type text or OWN_OID.  The first look-up of
 * the scan reads a table of few pages without opening it, until the session has read as many pages as an open table
 * costs.  The caller reads the given columns alone.
 */
extern OwnScan own_scan_few(const char *schema, const char *table, const char *index, OwnColumns *columns,
							AttrNumber column, Snapshot snapshot);

/* Begins a scan by an index for one value. */
extern OwnScan own_scan_equal(const char *schema, const char *table, const char *index, Datum value, Snapshot snapshot);

/* Goes to the next row.  Returns false behind the last one. */
extern bool own_scan_next(OwnScan *scan);
extern void own_scan_end(OwnScan *scan);

/*
 * Takes the first columns of a row of an own table.  An update of the extension, or an administrator, may have added
 * others behind those that this library knows.
 */
extern void own_row_take(HeapTuple row, TupleDesc shape, int columns, Datum *values, bool *nulls);

/* Return a column of the current row; the text is in the current memory context, NULL for null. */
extern Datum own_scan_value(OwnScan *scan, AttrNumber column, bool *isnull);
extern char *own_scan_text(OwnScan *scan, AttrNumber column);

#endif /* HERALD_OWN_TABLE_H */

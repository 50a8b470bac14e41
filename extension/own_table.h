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

/* A scan over all rows of a table, or over those with some value in the first column of an index. */
typedef struct OwnScan
{
	MemoryContext memory; /* the current one when it began */
	Relation relation;	  /* NULL: a table without pages */
	TableScanDesc all;	  /* NULL: a scan by the index */
	Relation index;
	IndexScanDesc equal;
	ScanKeyData key;
	TupleTableSlot *row; /* the current one */
} OwnScan;

/* Registers the function that keeps the OIDs of own_table_oid() up to date. */
extern void own_table_init(void);

/* Returns the OID of a table or an index of one of the two schemas; it is an error if there is none. */
extern Oid own_table_oid(const char *schema, const char *name);

/* Return the role that owns a table, or InvalidOid if there is no such table. */
extern Oid table_owner(Oid table);
extern Oid own_table_owner(const char *schema, const char *name);

/* Begins a scan over a table, in no order.  The snapshot is registered. */
extern OwnScan own_scan_all(const char *schema, const char *table, Snapshot snapshot);

/*
 * Begins a scan by an index.  own_scan_seek() begins it anew, with the rows that have this value in the index's first
 * column, which is of type oid, regclass, integer or text.  The value lives until the last of these rows.
 */
extern OwnScan own_scan_by_index(const char *schema, const char *table, const char *index, Snapshot snapshot);
extern void own_scan_seek(OwnScan *scan, Datum value);

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

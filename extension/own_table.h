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
#include "utils/rel.h"
#include "utils/snapshot.h"

/* A scan over the rows of a table whose first column of an index has some value, or over all of its rows. */
typedef struct OwnScan
{
	Relation relation;
	SysScanDesc scan;
	HeapTuple tuple; /* the current row, until the next one */
} OwnScan;

/* Returns the OID of a table or an index of one of the two schemas; it is an error if there is none. */
extern Oid own_table_oid(const char *schema, const char *name);

/* Returns the role that owns a table, or InvalidOid if there is no such table. */
extern Oid table_owner(Oid table);

/* Begins a scan over a table of herald_internal, in no order.  The snapshot is registered. */
extern OwnScan own_scan_all(const char *table, Snapshot snapshot);

/*
 * Begins a scan over the rows of a table in which a column, of type oid, regclass, integer or text, has this value.
 * The column is the first one of the index.
 */
extern OwnScan own_scan_equal(const char *schema, const char *table, const char *index, AttrNumber column, Datum value,
							  Snapshot snapshot);

/* Goes to the next row.  Returns false behind the last one. */
extern bool own_scan_next(OwnScan *scan);
extern void own_scan_end(OwnScan *scan);

/* Return a column of the current row; the text is in the current memory context, NULL for null. */
extern Datum own_scan_value(OwnScan *scan, AttrNumber column, bool *isnull);
extern char *own_scan_text(OwnScan *scan, AttrNumber column);

#endif /* HERALD_OWN_TABLE_H */

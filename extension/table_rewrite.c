/*-------------------------------------------------------------------------
 *
 * table_rewrite.c
 *	  Tells whether a snapshot is older than the rows of a table.
 *
 * 1. A statement takes its snapshot, and then the locks of the tables that it reads.  Meanwhile an ALTER TABLE may
 *	  rewrite a table, or a TRUNCATE may empty it.  The snapshot then sees no row of it, neither an old nor a new one.
 *
 * 2. Each rewrite gives the table another file.  So the snapshot's row of pg_class names another file than the current
 *	  row does.  VACUUM FULL and CLUSTER do that, too, though they keep the rows visible: nobody can tell them apart.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "table_rewrite.h"

/* The row of pg_class that a snapshot sees is the current one if the writer of that row was done before. */
static bool
sees_current_row(Oid table)
{
	HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	TransactionId writer = HeapTupleIsValid(row) ? HeapTupleHeaderGetXmin(row->t_data) : InvalidTransactionId;

	if (!HeapTupleIsValid(row))
		return false;
	ReleaseSysCache(row);
	return !TransactionIdIsNormal(writer) || TransactionIdPrecedes(writer, GetActiveSnapshot()->xmin);
}

/* Returns the file of a table that the active snapshot sees; InvalidOid: it sees no such table. */
static Oid
visible_file(Oid table)
{
	Relation catalog = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple row;
	Oid file;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	scan = systable_beginscan(catalog, ClassOidIndexId, true, GetActiveSnapshot(), 1, &key);
	row = systable_getnext(scan);
	file = HeapTupleIsValid(row) ? ((Form_pg_class) GETSTRUCT(row))->relfilenode : InvalidOid;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return file;
}

/* Returns the current file of a table; InvalidOid: it has none, or has been dropped. */
static Oid
current_file(Oid table)
{
	HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid file = HeapTupleIsValid(row) ? ((Form_pg_class) GETSTRUCT(row))->relfilenode : InvalidOid;

	if (HeapTupleIsValid(row))
		ReleaseSysCache(row);
	return file;
}

static bool
one_was_rewritten(Oid table)
{
	return !sees_current_row(table) && visible_file(table) != current_file(table);
}

bool
table_was_rewritten(Oid table)
{
	List *tables = has_subclass(table) ? find_all_inheritors(table, NoLock, NULL) : list_make1_oid(table);
	bool rewritten = false;
	ListCell *cell;

	foreach (cell, tables)
		rewritten |= one_was_rewritten(lfirst_oid(cell));
	list_free(tables);
	return rewritten;
}

void
table_rewrite_check(const List *tables)
{
	ListCell *cell;

	foreach (cell, tables)
	{
		if (table_was_rewritten(lfirst_oid(cell)))
			ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							errmsg("could not serialize access due to concurrent rewrite of table \"%s\"",
								   get_rel_name(lfirst_oid(cell)))));
	}
}

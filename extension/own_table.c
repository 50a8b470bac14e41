/*-------------------------------------------------------------------------
 *
 * own_table.c
 *	  Reads the extension's own tables without a query.
 *
 * The first query of a session over a table costs a hundred times as much as its
 * later ones: parser and planner look up names, operators and statistics in the
 * catalogs.  A session's first write to a watched table pays that.  A scan by a known
 * index needs the table and the index alone.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "own_table.h"

Oid
own_table_oid(const char *schema, const char *name)
{
	Oid table = get_relname_relid(name, get_namespace_oid(schema, false));

	if (!OidIsValid(table))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("extension \"pg_herald\" lacks \"%s.%s\"", schema, name)));
	return table;
}

Oid
table_owner(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid owner = HeapTupleIsValid(tuple) ? ((Form_pg_class) GETSTRUCT(tuple))->relowner : InvalidOid;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return owner;
}

OwnScan
own_scan_all(const char *table, Snapshot snapshot)
{
	OwnScan scan = { 0 };

	scan.relation = table_open(own_table_oid("herald_internal", table), AccessShareLock);
	scan.scan = systable_beginscan(scan.relation, InvalidOid, false, snapshot, 0, NULL);
	return scan;
}

static RegProcedure
equality_of(Oid type)
{
	Assert(type == OIDOID || type == REGCLASSOID || type == TEXTOID || type == INT4OID);
	return type == TEXTOID ? F_TEXTEQ : type == INT4OID ? F_INT4EQ :
														  F_OIDEQ;
}

OwnScan
own_scan_equal(const char *schema, const char *table, const char *index, AttrNumber column, Datum value,
			   Snapshot snapshot)
{
	OwnScan scan = { 0 };
	Form_pg_attribute attribute;
	ScanKeyData key;

	scan.relation = table_open(own_table_oid(schema, table), AccessShareLock);
	attribute = TupleDescAttr(RelationGetDescr(scan.relation), column - 1);
	ScanKeyEntryInitialize(&key, 0, column, BTEqualStrategyNumber, InvalidOid, attribute->attcollation,
						   equality_of(attribute->atttypid), value);
	scan.scan = systable_beginscan(scan.relation, own_table_oid(schema, index), true, snapshot, 1, &key);
	return scan;
}

bool
own_scan_next(OwnScan *scan)
{
	scan->tuple = systable_getnext(scan->scan);
	return HeapTupleIsValid(scan->tuple);
}

void
own_scan_end(OwnScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

Datum
own_scan_value(OwnScan *scan, AttrNumber column, bool *isnull)
{
	Assert(HeapTupleIsValid(scan->tuple));
	return heap_getattr(scan->tuple, column, RelationGetDescr(scan->relation), isnull);
}

char *
own_scan_text(OwnScan *scan, AttrNumber column)
{
	bool isnull;
	Datum value = own_scan_value(scan, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

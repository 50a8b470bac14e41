/*-------------------------------------------------------------------------
 *
 * own_table.c
 *	  Reads the extension's own tables without a query.
 *
 * The first query of a session over a table costs a hundred times as much as its
 * later ones: parser and planner look up names, operators and statistics in the
 * catalogs.  A session's first write to a watched table pays that.  A scan by a known
 * index needs the table and the index alone.  A scan does not open a table without pages:
 * to open one for the first time costs as much as twenty look-ups.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "layout.h"
#include "own_table.h"
#include "relation_change.h"

/* The OIDs that were looked up, until their relations change. */
typedef struct KnownTable
{
	struct KnownTable *next;
	const char *schema;
	const char *name;
	Oid oid; /* InvalidOid: not known now */
} KnownTable;

static KnownTable *known_tables;

static void
forget_table(Oid relation)
{
	for (KnownTable *known = known_tables; known != NULL; known = known->next)
	{
		if (!OidIsValid(relation) || known->oid == relation)
			known->oid = InvalidOid;
	}
}

void
own_table_init(void)
{
	relation_change_register(forget_table);
}

/* Returns the entry for a name; a new one has no OID. */
static KnownTable *
know_table(const char *schema, const char *name)
{
	KnownTable *known = known_tables;

	while (known != NULL && (strcmp(known->name, name) != 0 || strcmp(known->schema, schema) != 0))
		known = known->next;
	if (known == NULL)
	{
		known = MemoryContextAllocZero(TopMemoryContext, sizeof(KnownTable));
		known->schema = MemoryContextStrdup(TopMemoryContext, schema);
		known->name = MemoryContextStrdup(TopMemoryContext, name);
		known->next = known_tables;
		known_tables = known;
	}
	return known;
}

Oid
own_table_oid(const char *schema, const char *name)
{
	KnownTable *known = know_table(schema, name);
	Oid table = known->oid;

	layout_check(ERROR);
	if (OidIsValid(table))
		return table;
	table = get_relname_relid(name, get_namespace_oid(schema, false));
	if (!OidIsValid(table))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("extension \"pg_herald\" lacks \"%s.%s\"", schema, name)));
	known->oid = table;
	return table;
}

/* Returns the row of pg_class of a relation of one of the two schemas; NULL if there is none. */
static HeapTuple
find_by_name(const char *schema, const char *name)
{
	Oid schema_oid = get_namespace_oid(schema, true);

	if (!OidIsValid(schema_oid))
		return NULL;
	return SearchSysCache2(RELNAMENSP, CStringGetDatum(name), ObjectIdGetDatum(schema_oid));
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

Oid
own_table_owner(const char *schema, const char *name)
{
	HeapTuple tuple = find_by_name(schema, name);
	Oid owner = HeapTupleIsValid(tuple) ? ((Form_pg_class) GETSTRUCT(tuple))->relowner : InvalidOid;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return owner;
}

/* Returns whether a locked table has no pages, and so no rows for any snapshot. */
static bool
has_no_pages(const char *schema, const char *name)
{
	HeapTuple tuple = find_by_name(schema, name);
	Form_pg_class class;
	RelFileLocator file;

	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	file = make_locator(class->reltablespace, class->relfilenode);
	ReleaseSysCache(tuple);
	return smgrnblocks(smgropen(file, INVALID_PROC_NUMBER), MAIN_FORKNUM) == 0;
}

/* Begins a scan of a table.  One without pages stays closed. */
static OwnScan
begin_scan(const char *schema, const char *table)
{
	OwnScan scan = { .memory = CurrentMemoryContext };
	Oid oid = own_table_oid(schema, table);

	LockRelationOid(oid, AccessShareLock);
	if (has_no_pages(schema, table))
	{
		UnlockRelationOid(oid, AccessShareLock);
		return scan;
	}
	scan.relation = table_open(oid, NoLock);
	scan.row = table_slot_create(scan.relation, NULL);
	return scan;
}

OwnScan
own_scan_all(const char *schema, const char *table, Snapshot snapshot)
{
	OwnScan scan = begin_scan(schema, table);

	if (scan.relation != NULL)
		scan.all = table_beginscan(scan.relation, snapshot, 0, NULL);
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
own_scan_by_index(const char *schema, const char *table, const char *index, Snapshot snapshot)
{
	OwnScan scan = begin_scan(schema, table);

	if (scan.relation == NULL)
		return scan;
	scan.index = index_open(own_table_oid(schema, index), AccessShareLock);
	scan.equal = begin_index_scan(scan.relation, scan.index, snapshot, 1);
	return scan;
}

static StrategyNumber
equality_strategy(Relation index)
{
	return index->rd_rel->relam == HASH_AM_OID ? HTEqualStrategyNumber : BTEqualStrategyNumber;
}

void
own_scan_seek(OwnScan *scan, Datum value)
{
	MemoryContext caller;
	Oid type;

	if (scan->relation == NULL)
		return;
	caller = MemoryContextSwitchTo(scan->memory);
	type = TupleDescAttr(RelationGetDescr(scan->index), 0)->atttypid;
	if (scan->key.sk_func.fn_oid == InvalidOid)
		ScanKeyEntryInitialize(&scan->key, 0, 1, equality_strategy(scan->index), InvalidOid,
							   scan->index->rd_indcollation[0], equality_of(type), value);
	scan->key.sk_argument = value;
	index_rescan(scan->equal, &scan->key, 1, NULL, 0);
	MemoryContextSwitchTo(caller);
}

OwnScan
own_scan_equal(const char *schema, const char *table, const char *index, Datum value, Snapshot snapshot)
{
	OwnScan scan = own_scan_by_index(schema, table, index, snapshot);

	own_scan_seek(&scan, value);
	return scan;
}

bool
own_scan_next(OwnScan *scan)
{
	MemoryContext caller;
	bool found;

	if (scan->relation == NULL)
		return false;
	caller = MemoryContextSwitchTo(scan->memory);
	if (scan->equal != NULL)
		found = index_getnext_slot(scan->equal, ForwardScanDirection, scan->row);
	else
		found = table_scan_getnextslot(scan->all, ForwardScanDirection, scan->row);
	MemoryContextSwitchTo(caller);
	return found;
}

void
own_scan_end(OwnScan *scan)
{
	if (scan->relation == NULL)
		return;
	ExecDropSingleTupleTableSlot(scan->row);
	if (scan->equal != NULL)
	{
		index_endscan(scan->equal);
		index_close(scan->index, AccessShareLock);
	}
	else
		table_endscan(scan->all);
	table_close(scan->relation, AccessShareLock);
}

void
own_row_take(HeapTuple row, TupleDesc shape, int columns, Datum *values, bool *nulls)
{
	Datum *all_values;
	bool *all_nulls;

	Assert(shape->natts >= columns);
	if (shape->natts == columns)
	{
		heap_deform_tuple(row, shape, values, nulls);
		return;
	}
	all_values = palloc(sizeof(Datum) * shape->natts);
	all_nulls = palloc(sizeof(bool) * shape->natts);
	heap_deform_tuple(row, shape, all_values, all_nulls);
	memcpy(values, all_values, sizeof(Datum) * columns);
	memcpy(nulls, all_nulls, sizeof(bool) * columns);
	pfree(all_values);
	pfree(all_nulls);
}

Datum
own_scan_value(OwnScan *scan, AttrNumber column, bool *isnull)
{
	Assert(!TTS_EMPTY(scan->row));
	return slot_getattr(scan->row, column, isnull);
}

char *
own_scan_text(OwnScan *scan, AttrNumber column)
{
	bool isnull;
	Datum value = own_scan_value(scan, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

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
 * To open a table for the first time costs as much as twenty look-ups: its columns,
 * defaults, constraints and triggers are read from the catalogs.  So a scan of all rows
 * opens none.  It reads the pages of the locked table's file, as CREATE DATABASE reads
 * pg_class of another database.  A table without pages is not opened for an index, either,
 * nor is one of few pages until the look-ups of a session have read as many as it costs.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

#include "compat.h"
#include "own_table.h"

/* To open a table and an index costs about as much as to look for values on so many pages. */
#define FEW_PAGES 32

/* Locks a table, which keeps its file from being replaced. */
static const OwnRelation *
lock_own_table(const char *schema, const char *name)
{
	for (;;)
	{
		Oid table = own_table_oid(schema, name);
		const OwnRelation *known;

		LockRelationOid(table, AccessShareLock);
		known = own_relation(schema, name);
		if (known->is.oid == table)
			return known;
		UnlockRelationOid(table, AccessShareLock); /* another one has its name now */
	}
}

/* Begins a scan of a table: locks it. */
static OwnScan
begin_scan(const char *schema, const char *name, Snapshot snapshot)
{
	OwnScan scan = { .memory = CurrentMemoryContext, .schema = schema, .snapshot = snapshot };
	const OwnRelation *known = lock_own_table(schema, name);

	if (known->is.access_method != HEAP_TABLE_AM_OID)
		elog(ERROR, "table \"%s.%s\" is not a heap", schema, name);
	scan.table = known->is.oid;
	scan.file = known->is.file;
	scan.pages = smgrnblocks(smgropen(scan.file, INVALID_PROC_NUMBER), MAIN_FORKNUM);
	return scan;
}

/* A search for the rows that have a value in a column. */
typedef struct RowSearch
{
	TupleDesc shape;
	AttrNumber column;
	Datum value; /* not compressed */
	bool failed; /* only the open table tells the value of a row */
} RowSearch;

static bool
is_same_value(Datum a, Datum b, bool by_value)
{
	Size length = by_value ? 0 : VARSIZE_ANY_EXHDR(a);

	if (by_value)
		return DatumGetInt32(a) == DatumGetInt32(b);
	return VARSIZE_ANY_EXHDR(b) == length && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), length) == 0;
}

/* Returns whether a row has the value.  An older row may lack a column, and a long value may be compressed. */
static bool
has_value(RowSearch *search, HeapTuple row)
{
	bool by_value = TupleDescAttr(search->shape, search->column - 1)->attbyval;
	Datum value = 0;
	bool isnull = true;

	if (HeapTupleHeaderGetNatts(row->t_data) >= search->shape->natts)
		value = heap_getattr(row, search->column, search->shape, &isnull);
	if (isnull || (!by_value && (VARATT_IS_COMPRESSED(value) || VARATT_IS_EXTERNAL(value))))
	{
		search->failed = true;
		return false;
	}
	return is_same_value(value, search->value, by_value);
}

/* Adds copies of the rows of a page that a snapshot sees: those with a value, or all without a search. */
static void
add_page(OwnScan *scan, BlockNumber block, RowSearch *search)
{
	Buffer buffer = read_closed_page(scan->file, block);
	Page page = BufferGetPage(buffer);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	for (OffsetNumber place = FirstOffsetNumber; place <= PageGetMaxOffsetNumber(page); place++)
	{
		ItemId item = PageGetItemId(page, place);
		HeapTupleData row = { .t_tableOid = scan->table };

		if (!ItemIdIsNormal(item))
			continue;
		row.t_data = (HeapTupleHeader) PageGetItem(page, item);
		row.t_len = ItemIdGetLength(item);
		ItemPointerSet(&row.t_self, block, place);
		if ((search == NULL || has_value(search, &row)) && HeapTupleSatisfiesVisibility(&row, scan->snapshot, buffer))
			scan->rows = lappend(scan->rows, heap_copytuple(&row));
	}
	UnlockReleaseBuffer(buffer);
}

static void
read_pages(OwnScan *scan, RowSearch *search)
{
	for (BlockNumber block = 0; block < scan->pages; block++)
		add_page(scan, block, search);
}

static TupleDesc
shape_of(OwnColumns *columns)
{
	MemoryContext caller;
	TupleDesc shape;

	if (columns->shape != NULL)
		return columns->shape;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	shape = CreateTemplateTupleDesc(columns->count);
	for (int i = 0; i < columns->count; i++)
		TupleDescInitEntry(shape, (AttrNumber) (i + 1), NULL, columns->types[i], -1, 0);
	MemoryContextSwitchTo(caller);
	columns->shape = shape;
	return shape;
}

OwnScan
own_scan_small(const char *schema, const char *table, OwnColumns *columns, uint64 most_pages, Snapshot snapshot)
{
	OwnScan scan = begin_scan(schema, table, snapshot);

	if (scan.pages <= most_pages)
		read_pages(&scan, NULL);
	if (scan.rows != NIL)
		scan.row = MakeSingleTupleTableSlot(shape_of(columns), &TTSOpsHeapTuple);
	return scan;
}

OwnScan
own_scan_all(const char *schema, const char *table, OwnColumns *columns, Snapshot snapshot)
{
	return own_scan_small(schema, table, columns, MaxBlockNumber, snapshot);
}

static RegProcedure
equality_of(Oid type)
{
	Assert(type == OIDOID || type == REGCLASSOID || type == TEXTOID || type == INT4OID);
	return type == TEXTOID ? F_TEXTEQ : type == INT4OID ? F_INT4EQ :
														  F_OIDEQ;
}

/* Drops the rows that were read. */
static void
drop_rows(OwnScan *scan)
{
	if (scan->row != NULL)
		ExecDropSingleTupleTableSlot(scan->row);
	scan->row = NULL;
	list_free_deep(scan->rows);
	scan->rows = NIL;
	scan->next = 0;
}

static void
open_scan(OwnScan *scan)
{
	MemoryContext caller = MemoryContextSwitchTo(scan->memory);

	drop_rows(scan);
	scan->relation = table_open(scan->table, NoLock);
	scan->row = table_slot_create(scan->relation, NULL);
	scan->index = index_open(own_table_oid(scan->schema, scan->by_index), AccessShareLock);
	scan->equal = begin_index_scan(scan->relation, scan->index, scan->snapshot, 1);
	MemoryContextSwitchTo(caller);
}

OwnScan
own_scan_by_index(const char *schema, const char *table, const char *index, Snapshot snapshot)
{
	OwnScan scan = begin_scan(schema, table, snapshot);

	scan.by_index = index;
	return scan;
}

OwnScan
own_scan_few(const char *schema, const char *table, const char *index, OwnColumns *columns, AttrNumber column,
			 Snapshot snapshot)
{
	OwnRelation *known = own_relation(schema, table);
	OwnScan scan = own_scan_by_index(schema, table, index, snapshot);

	scan.column = column;
	scan.few = known->pages_read + scan.pages <= FEW_PAGES ? columns : NULL;
	known->pages_read += scan.few != NULL ? scan.pages : 0;
	return scan;
}

/* Reads the rows with a value in the column from the pages.  Returns false if only the open table tells. */
static bool
read_few(OwnScan *scan, Datum value)
{
	RowSearch search = { shape_of(scan->few), scan->column, value, false };
	MemoryContext caller = MemoryContextSwitchTo(scan->memory);

	scan->few = NULL; /* the next look-up opens the table */
	if (!TupleDescAttr(search.shape, search.column - 1)->attbyval)
		search.value = PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
	read_pages(scan, &search);
	if (search.failed)
		drop_rows(scan);
	else if (scan->rows != NIL)
		scan->row = MakeSingleTupleTableSlot(search.shape, &TTSOpsHeapTuple);
	MemoryContextSwitchTo(caller);
	return !search.failed;
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

	if (scan->pages == 0 || (scan->few != NULL && read_few(scan, value)))
		return;
	if (scan->relation == NULL)
		open_scan(scan);
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

/* Puts the next one of all rows into the slot. */
static bool
next_of_all(OwnScan *scan)
{
	HeapTuple row;

	if (scan->next == list_length(scan->rows))
		return false;
	row = list_nth(scan->rows, scan->next++);
	if (HeapTupleHeaderGetNatts(row->t_data) < scan->row->tts_tupleDescriptor->natts)
		elog(ERROR, "a row of table %u lacks a column", row->t_tableOid);
	ExecStoreHeapTuple(row, scan->row, false);
	return true;
}

bool
own_scan_next(OwnScan *scan)
{
	MemoryContext caller;
	bool found;

	if (scan->relation == NULL)
		return next_of_all(scan);
	caller = MemoryContextSwitchTo(scan->memory);
	found = index_getnext_slot(scan->equal, ForwardScanDirection, scan->row);
	MemoryContextSwitchTo(caller);
	return found;
}

void
own_scan_end(OwnScan *scan)
{
	drop_rows(scan);
	if (scan->relation != NULL)
	{
		index_endscan(scan->equal);
		index_close(scan->index, AccessShareLock);
		table_close(scan->relation, NoLock);
	}
	UnlockRelationOid(scan->table, AccessShareLock);
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

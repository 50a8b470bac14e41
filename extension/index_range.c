/*-------------------------------------------------------------------------
 *
 * index_range.c
 *	  Reads a range of an index of the extension's own tables without a query.
 *
 * To start a query costs a hundred times as much as to find a row.  A reader of the
 * event log reads a few rows at each commit of the application.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sdir.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "index_range.h"

IndexRange
index_range_open(Relation table, const char *index)
{
	IndexRange range = { .table = table };
	Oid oid = get_relname_relid(index, RelationGetNamespace(table));

	if (!OidIsValid(oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("extension \"pg_herald\" lacks index \"%s\"", index)));
	range.index = index_open(oid, AccessShareLock);
	return range;
}

/* Returns the place of a column of the table in the index. */
static int
place_in_index(const IndexRange *range, AttrNumber column)
{
	int place = 0;

	while (range->index->rd_index->indkey.values[place] != column)
	{
		place++;
		Assert(place < IndexRelationGetNumberOfKeyAttributes(range->index));
	}
	return place;
}

static void
add_condition(IndexRange *range, AttrNumber column, StrategyNumber comparison, int flags, Datum value)
{
	int place = place_in_index(range, column);
	Oid type = range->index->rd_opcintype[place];
	Oid operator= get_opfamily_member(range->index->rd_opfamily[place], type, type, comparison);

	Assert(range->count < INDEX_RANGE_CONDITIONS && range->scan == NULL);
	Assert(OidIsValid(operator));
	ScanKeyEntryInitialize(&range->conditions[range->count++], flags, column, comparison, InvalidOid,
						   range->index->rd_indcollation[place], get_opcode(operator), value);
}

void
index_range_where(IndexRange *range, AttrNumber column, StrategyNumber comparison, Datum value)
{
	add_condition(range, column, comparison, 0, value);
}

void
index_range_where_any(IndexRange *range, AttrNumber column, Datum array)
{
	add_condition(range, column, BTEqualStrategyNumber, SK_SEARCHARRAY, array);
}

HeapTuple
index_range_next(IndexRange *range)
{
	if (range->scan == NULL)
		range->scan = systable_beginscan_ordered(range->table, range->index, GetActiveSnapshot(), range->count,
												 range->conditions);
	return systable_getnext_ordered(range->scan, ForwardScanDirection);
}

void
index_range_close(IndexRange *range)
{
	if (range->scan != NULL)
		systable_endscan_ordered(range->scan);
	index_close(range->index, NoLock);
}

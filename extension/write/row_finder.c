/*-------------------------------------------------------------------------
 *
 * row_finder.c
 *	  Finds rows of the application's tables by their primary key, as they were or are.
 *
 * Partitioned tables are left out: their partitions may have keys of their own, so that rows
 * of several have the same one, and to look a row up would lock partitions that the statement
 * does not touch.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "write/row_finder.h"

struct RowFinder
{
	Relation relation;
	Relation index; /* of the primary key */
	TupleTableSlot *slot;
	SnapshotData snapshot;
};

/* Opens the index of a primary key.  Returns NULL if there is none in which a key has one row at any time. */
static Relation
open_key_index(Relation table)
{
	List *indexes = RelationGetIndexList(table);
	Relation index;

	list_free(indexes); /* it fills in the next field */
	if (!OidIsValid(table->rd_pkindex))
		return NULL;
	index = index_open(table->rd_pkindex, AccessShareLock);
	if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid && index->rd_index->indimmediate)
		return index;
	index_close(index, AccessShareLock);
	return NULL;
}

RowFinder *
row_finder_begin(Relation relation)
{
	RowFinder *finder;
	Relation index;

	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relispartition ||
		relation->rd_rel->relhassubclass)
		return NULL;
	index = open_key_index(relation);
	if (index == NULL)
		return NULL;
	finder = palloc0(sizeof(RowFinder));
	finder->relation = relation;
	finder->index = index;
	finder->slot = table_slot_create(relation, NULL);
	return finder;
}

void
row_finder_end(RowFinder *finder)
{
	ExecDropSingleTupleTableSlot(finder->slot);
	index_close(finder->index, AccessShareLock);
	pfree(finder);
}

static void
set_key(const RowFinder *finder, TupleTableSlot *row, ScanKey keys)
{
	Relation index = finder->index;

	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		Oid type = index->rd_opcintype[i];
		Oid equal = get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);
		bool isnull;
		Datum value = slot_getattr(row, index->rd_index->indkey.values[i], &isnull);

		Assert(OidIsValid(equal) && !isnull);
		ScanKeyEntryInitialize(&keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid, index->rd_indcollation[i],
							   get_opcode(equal), value);
	}
}

static void
look_at(RowFinder *finder, CommandId seen)
{
	finder->snapshot = *GetActiveSnapshot();
	finder->snapshot.curcid = seen;
}

bool
row_finder_find(RowFinder *finder, TupleTableSlot *row, CommandId seen, TupleTableSlot *found)
{
	int columns = IndexRelationGetNumberOfKeyAttributes(finder->index);
	ScanKeyData keys[INDEX_MAX_KEYS];
	IndexScanDesc scan;
	bool there;

	look_at(finder, seen);
	set_key(finder, row, keys);
	scan = begin_index_scan(finder->relation, finder->index, &finder->snapshot, columns);
	index_rescan(scan, keys, columns, NULL, 0);
	there = index_getnext_slot(scan, ForwardScanDirection, finder->slot);
	index_endscan(scan); /* the slot keeps the page of the row */
	if (there && found != NULL)
		ExecCopySlot(found, finder->slot);
	return there;
}

bool
row_finder_was_there(RowFinder *finder, CommandId seen)
{
	look_at(finder, seen);
	return table_tuple_satisfies_snapshot(finder->relation, finder->slot, &finder->snapshot);
}

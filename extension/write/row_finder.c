/*-------------------------------------------------------------------------
 *
 * row_finder.c
 *	  Finds rows of the application's tables by their primary key, as they were or are.
 *
 * The rows of a partitioned table are in its partitions, which have indexes of their own.
 * Neighbouring rows are often in the same one, so that it is asked first.
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
#include "access/tupconvert.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "write/row_finder.h"

/* A table with rows: the table itself, or a partition. */
typedef struct RowPlace
{
	Relation table;
	Relation index;
	AttrNumber columns[INDEX_MAX_KEYS]; /* of the key, in the row type of the finder's table */
	TupleConversionMap *map;			/* to that row type; NULL: it is the same */
	TupleTableSlot *slot;
} RowPlace;

struct RowFinder
{
	Relation relation;
	SnapshotData snapshot;
	RowPlace *places;
	int count;
	int last; /* the place of the row that was found last */
};

/* Opens the index of a primary key.  Returns NULL if there is none that look-ups can use. */
static Relation
open_key_index(Relation table)
{
	List *indexes = RelationGetIndexList(table);
	Relation index;

	list_free(indexes); /* it fills in the next field */
	if (!OidIsValid(table->rd_pkindex))
		return NULL;
	index = index_open(table->rd_pkindex, AccessShareLock);
	if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid)
		return index;
	index_close(index, AccessShareLock);
	return NULL;
}

/* Adds a table, which it closes if it does not add it.  Returns whether it did. */
static bool
add_place(RowFinder *finder, Relation table)
{
	RowPlace *place = &finder->places[finder->count];
	TupleDesc shape = RelationGetDescr(table);

	place->index = open_key_index(table);
	if (place->index == NULL)
	{
		table_close(table, NoLock);
		return false;
	}
	place->table = table;
	place->slot = table_slot_create(table, NULL);
	place->map = convert_tuples_by_name(shape, RelationGetDescr(finder->relation));
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(place->index); i++)
	{
		Form_pg_attribute column = TupleDescAttr(shape, place->index->rd_index->indkey.values[i] - 1);

		place->columns[i] = get_attnum(RelationGetRelid(finder->relation), NameStr(column->attname));
	}
	finder->count++;
	return true;
}

RowFinder *
row_finder_begin(Relation relation)
{
	bool partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	List *tables = find_all_inheritors(RelationGetRelid(relation), partitioned ? AccessShareLock : NoLock, NULL);
	RowFinder *finder = palloc0(sizeof(RowFinder));
	bool complete = partitioned || list_length(tables) == 1;
	ListCell *cell;

	finder->relation = relation;
	finder->places = palloc0(sizeof(RowPlace) * list_length(tables));
	foreach (cell, tables)
	{
		Relation table = complete ? table_open(lfirst_oid(cell), NoLock) : NULL;

		if (table != NULL && table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
			table_close(table, NoLock);
		else if (table != NULL)
			complete = add_place(finder, table);
	}
	if (complete)
		return finder;
	row_finder_end(finder);
	return NULL;
}

void
row_finder_end(RowFinder *finder)
{
	for (int i = 0; i < finder->count; i++)
	{
		ExecDropSingleTupleTableSlot(finder->places[i].slot);
		index_close(finder->places[i].index, AccessShareLock);
		table_close(finder->places[i].table, NoLock);
	}
	pfree(finder->places);
	pfree(finder);
}

static void
set_key(const RowPlace *place, TupleTableSlot *row, ScanKey keys)
{
	Relation index = place->index;

	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		Oid type = index->rd_opcintype[i];
		Oid equal = get_opfamily_member(index->rd_opfamily[i], type, type, BTEqualStrategyNumber);
		bool isnull;
		Datum value = slot_getattr(row, place->columns[i], &isnull);

		Assert(OidIsValid(equal) && !isnull);
		ScanKeyEntryInitialize(&keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid, index->rd_indcollation[i],
							   get_opcode(equal), value);
	}
}

/* Looks for the row in one place. */
static bool
find_in(RowFinder *finder, RowPlace *place, TupleTableSlot *row)
{
	int columns = IndexRelationGetNumberOfKeyAttributes(place->index);
	ScanKeyData keys[INDEX_MAX_KEYS];
	IndexScanDesc scan;
	bool found;

	set_key(place, row, keys);
	scan = begin_index_scan(place->table, place->index, &finder->snapshot, columns);
	index_rescan(scan, keys, columns, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, place->slot);
	index_endscan(scan); /* the slot keeps the page of the row */
	return found;
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
	look_at(finder, seen);
	for (int i = 0; i < finder->count; i++)
	{
		int current = (finder->last + i) % finder->count;
		RowPlace *place = &finder->places[current];

		if (!find_in(finder, place, row))
			continue;
		finder->last = current;
		if (found != NULL && place->map != NULL)
			execute_attr_map_slot(place->map->attrMap, place->slot, found);
		else if (found != NULL)
			ExecCopySlot(found, place->slot);
		return true;
	}
	return false;
}

bool
row_finder_was_there(RowFinder *finder, CommandId seen)
{
	RowPlace *place = &finder->places[finder->last];

	look_at(finder, seen);
	return table_tuple_satisfies_snapshot(place->table, place->slot, &finder->snapshot);
}

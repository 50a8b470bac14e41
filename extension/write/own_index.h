/*-------------------------------------------------------------------------
 *
 * own_index.h
 *	  Caches which rows belong into which indexes of the extension's own tables.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_OWN_INDEX_H
#define HERALD_OWN_INDEX_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "utils/rel.h"

/* An index of a table. */
typedef struct OwnIndex
{
	Oid oid;
	ExprState *predicate; /* true for rows that belong into the index; NULL: all do */
	IndexInfo *info;	  /* NULL: own_index_open() has not opened it yet */
} OwnIndex;

/* All indexes of a table. */
typedef struct OwnIndexes
{
	Oid table;
	MemoryContext context; /* holds this */
	bool valid;			   /* no invalidation since they were loaded */
	bool plain;			   /* no function of the application computes values of an index, or compares them */
	int count;
	OwnIndex *list;
} OwnIndexes;

/* Registers the function that keeps the cache up to date. */
extern void own_index_init(void);

/* Returns the indexes of a table, which the caller has locked.  They live until the end of the transaction. */
extern OwnIndexes *own_indexes(Relation table);

/* Opens an index for insertions, and sets *info to a new copy of what the executor needs then. */
extern Relation own_index_open(const OwnIndexes *indexes, int number, IndexInfo **info);

#endif /* HERALD_OWN_INDEX_H */

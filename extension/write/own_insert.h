/*-------------------------------------------------------------------------
 *
 * own_insert.h
 *	  Inserts rows into the extension's own tables without a query.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_OWN_INSERT_H
#define HERALD_OWN_INSERT_H

#include "postgres.h"

#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

#include "write/own_index.h"
#include "write/row_values.h"

/* Rows without an arbiter are inserted in batches of at most so many, and about so many bytes. */
#define OWN_INSERT_BATCH 64
#define OWN_INSERT_BATCH_BYTES 65536

/* An insertion of rows into one table. */
typedef struct OwnInsert
{
	Relation relation;
	OwnIndexes *indexes;
	EState *estate;
	ResultRelInfo *target; /* with those indexes that rows up to now belong to */
	bool *is_open;		   /* for each index, whether the target has it */
	TransitionCaptureState *capture;
	TupleTableSlot **batch; /* the rows to insert; the slots beyond the largest batch up to now are NULL */
	int filled;
	Size bytes;
	List *arbiters;			  /* the unique index that may have a row already; NIL: none */
	TupleTableSlot *existing; /* that row */
	RowValues *values;		  /* those of a row in it; NULL: none yet */
} OwnInsert;

/*
 * Begins an insertion.  With the OID of a unique index, own_insert_row() finds an
 * existing row instead of raising an error.  The current role must be the owner of
 * the extension: triggers of the table run as it.
 */
extern OwnInsert own_insert_begin(Oid table, Oid arbiter);

/* Returns the next row: its columns are null, and the caller sets them by their numbers. */
extern TupleTableSlot *own_insert_next(OwnInsert *insert);

/*
 * Inserts the row with all that belongs to an INSERT: triggers, constraints, generated columns and indexes.
 * Returns false if it was not inserted: a trigger prevents it, or the arbiter has a row with the same values.  That row
 * is in "existing" then, and locked as for an UPDATE; otherwise "existing" is empty.  Without an arbiter, the row may
 * wait for others up to the end of the insertion.
 */
extern bool own_insert_row(OwnInsert *insert);

/* Ends an insertion: runs the triggers, and makes the rows visible to the next command. */
extern void own_insert_end(OwnInsert *insert);

#endif /* HERALD_OWN_INSERT_H */

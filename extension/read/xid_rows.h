/*-------------------------------------------------------------------------
 *
 * xid_rows.h
 *	  Finds the rows of transactions in the event log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_XID_ROWS_H
#define HERALD_XID_ROWS_H

#include "postgres.h"

#include "access/htup.h"
#include "utils/rel.h"

#include "event_columns.h"

/* The rows of transactions from "begin" up to before "end", with ids from "from" to "to". */
typedef struct XidRows
{
	uint64 begin;
	uint64 end;
	int64 from;
	int64 to;
	int64 most; /* so many taken ones are enough of a partition, and of its delayed ones for each transaction */
} XidRows;

/* Gets a row, valid until the next call, and its transaction.  Returns whether it has taken it. */
typedef bool (*XidRowVisitor)(void *argument, HeapTuple row, uint64 xid);

/* Opens and closes the partitions of the log.  Their locks last until the end of the transaction. */
extern void xid_rows_open(Relation *partitions);
extern void xid_rows_close(Relation *partitions);

/* Visits rows that the active snapshot sees, of each partition those with the lowest ids. */
extern void xid_rows_visit(Relation *partitions, const XidRows *rows, XidRowVisitor visit, void *argument);

#endif /* HERALD_XID_ROWS_H */

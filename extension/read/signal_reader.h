/*-------------------------------------------------------------------------
 *
 * signal_reader.h
 *	  Reads the signals of a window.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SIGNAL_READER_H
#define HERALD_SIGNAL_READER_H

#include "access/htup.h"
#include "nodes/pg_list.h"

#include "read/snapshot.h"

/* The columns of herald_internal.signal. */
enum
{
	SIGNAL_XID = 1,
	SIGNAL_SLOT,
	SIGNAL_AT,
	SIGNAL_NUMBER,
	SIGNAL_ROOMS,
	SIGNAL_NAME,
	SIGNAL_PAYLOAD,
	SIGNAL_KEY,
	SIGNAL_EXCEPT_USER,
	SIGNAL_COLUMNS = SIGNAL_EXCEPT_USER
};

typedef struct SignalRow
{
	Datum values[SIGNAL_COLUMNS];
	bool nulls[SIGNAL_COLUMNS];
	int64 size;
	HeapTuple copy; /* of the row, with the values */
} SignalRow;

/*
 * Returns the signals of the window between two snapshots, in the order of writing: the
 * newest, up to SIGNALS_LARGEST bytes, as a list of SignalRow.
 */
extern List *signal_reader_read(const LogSnapshot *seen, const LogSnapshot *until);

#endif /* HERALD_SIGNAL_READER_H */

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

#include "read/snapshot.h"

/*
 * Reads the signals of the window between two snapshots, in the order of writing: the
 * newest, up to SIGNALS_LARGEST bytes.  Returns their number; the rows of query_value()
 * have the columns rooms, name, payload (as text), key and except_user.
 */
extern uint64 signal_reader_run(const LogSnapshot *seen, const LogSnapshot *until);

#endif /* HERALD_SIGNAL_READER_H */

/*-------------------------------------------------------------------------
 *
 * signal_reader.c
 *	  Reads the signals of a window.
 *
 * Signals are in a ring of partitions by time.  A reader looks at the one in use and
 * at the one before, because maintenance locks the others while it empties them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "query.h"
#include "read/signal_reader.h"
#include "write/signal.h"

/* The arms of the UNION over one partition: index ranges, as in the query on the event log. */
#define SIGNALS_OF(slot) \
	"(SELECT * FROM herald_internal.signal_" slot " WHERE xid >= $1 AND xid < pg_snapshot_xmax($3))" \
	" UNION ALL" \
	" SELECT r.* FROM unnest($2) AS x CROSS JOIN LATERAL (" \
	" SELECT * FROM herald_internal.signal_" slot " WHERE xid >= x AND xid <= x ORDER BY xid LIMIT 1000000) AS r"

/*
 * Returns the signals of the window ($4, $3) in two partitions, in the order of
 * writing: the newest, up to $5 bytes.
 */
#define READ_SIGNALS(slot, previous) \
	{ \
		.name = "the query on signals", \
		.text = "SELECT w.rooms, w.name, w.payload::text, w.key, w.except_user FROM (" \
				" SELECT s.*, sum($6 + herald_internal.payload_size(s.payload) + pg_column_size(s.rooms))" \
				" OVER (ORDER BY s.at DESC, s.xid DESC, s.number DESC ROWS UNBOUNDED PRECEDING) AS size FROM (" SIGNALS_OF(slot) " UNION ALL " SIGNALS_OF(previous) ") AS s" \
																																									" WHERE pg_visible_in_snapshot(s.xid, $3) AND NOT pg_visible_in_snapshot(s.xid, $4)) AS w" \
																																									" WHERE w.size <= $5 ORDER BY w.at, w.xid, w.number", \
		.nargs = 6, \
		.argtypes = { XID8OID, XID8ARRAYOID, PG_SNAPSHOTOID, PG_SNAPSHOTOID, INT4OID, INT4OID }, \
		.read_only = true, \
		.cursor_options = CURSOR_OPT_GENERIC_PLAN, \
	}

/* By the partition in use. */
static SavedQuery read_signals[SIGNAL_SLOTS] = {
	READ_SIGNALS("0", "3"),
	READ_SIGNALS("1", "0"),
	READ_SIGNALS("2", "1"),
	READ_SIGNALS("3", "2"),
};

uint64
signal_reader_run(const LogSnapshot *seen, const LogSnapshot *until)
{
	Datum values[6];

	Assert(seen != NULL && until != NULL);
	values[0] = UInt64GetDatum(seen->xmax);
	values[1] = snapshot_in_progress(seen);
	values[2] = snapshot_to_datum(until);
	values[3] = snapshot_to_datum(seen);
	values[4] = Int32GetDatum(SIGNALS_LARGEST);
	values[5] = Int32GetDatum(SIGNAL_OVERHEAD);
	return query_run(&read_signals[signal_slot()], 1, values, NULL);
}

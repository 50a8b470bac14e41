/*-------------------------------------------------------------------------
 *
 * position.h
 *	  A position in the event log in commit order, and its text form.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_POSITION_H
#define HERALD_POSITION_H

#include "read/snapshot.h"

#define ERRCODE_HERALD_TOO_OLD MAKE_SQLSTATE('H', 'D', '0', '0', '1')
#define ERRCODE_HERALD_FOREIGN MAKE_SQLSTATE('H', 'D', '0', '0', '2')
#define ERRCODE_HERALD_MALFORMED MAKE_SQLSTATE('H', 'D', '0', '0', '3')

/*
 * A reader at a position has read all events that are visible in "seen".  In the
 * middle of a window it has also read the events that became visible between
 * "seen" and "window", up to last_id.  A joined position is a list: its reader,
 * which changed over from another order of reading, has read the union of all
 * parts.
 */
typedef struct Position
{
	uint32 database_hash; /* of the cluster and the database: server_start_database_hash() */
	int64 start;		  /* the start of the server: server_start_current() */
	uint64 durable_lsn;	  /* all commits that the reader has seen lie before it in the WAL */
	LogSnapshot seen;
	bool partial; /* in the middle of a window */
	LogSnapshot window;
	int64 last_id;		   /* -1 unless partial */
	struct Position *also; /* the next part, or NULL */
} Position;

/* Returns the highest id that may have been read; below it, events of slower transactions may be missing. */
extern int64 position_reach(const Position *position);

/* Returns the part with the highest reach. */
extern const Position *position_furthest(const Position *position);

/* Returns a position that precedes all events that come after the furthest part of "a" or of "b". */
extern Position position_before(const Position *a, const Position *b);

/* Returns whether a reader at "b" has read all events that a reader at "a" has. */
extern bool position_within(const Position *a, const Position *b);

/* Removes parts that lie within another part. */
extern void position_simplify(Position *position);

/*
 * Sets *snapshots and *ids to arrays of type pg_snapshot[] and bigint[].  An event
 * has been read if one of the snapshots sees it and its id is at most the id beside
 * that snapshot.  For NULL, no event has been read, the arrays are empty.
 */
extern void position_seen(const Position *position, Datum *snapshots, Datum *ids);

/* Returns the text form, palloc'd. */
extern char *position_text(const Position *position);

/* Reads the text form; position_read() returns false and position_parse() raises HD003 if it is malformed. */
extern bool position_read(const char *text, Position *position);
extern Position position_parse(const char *text);

#endif /* HERALD_POSITION_H */

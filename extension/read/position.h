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

#include "lib/stringinfo.h"
#include "read/snapshot.h"

#define ERRCODE_HERALD_TOO_OLD MAKE_SQLSTATE('H', 'D', '0', '0', '1')
#define ERRCODE_HERALD_FOREIGN MAKE_SQLSTATE('H', 'D', '0', '0', '2')
#define ERRCODE_HERALD_MALFORMED MAKE_SQLSTATE('H', 'D', '0', '0', '3')

/*
 * A reader at a position has read all events that are visible in the snapshot
 * "seen".  In the middle of a window, which goes from "seen" to "window_end", it has
 * also read the events that are visible in window_end, up to last_id.
 *
 * A joined position is a list of parts.  Its reader has read the union of them: it
 * was replayed to, and a replay has another order than its earlier reading.
 */
typedef struct Position
{
	uint32 database_hash; /* of the log and the database: server_start_database_hash() */
	int64 start;		  /* the start of the server: server_start_current() */
	uint64 durable_lsn;	  /* all commits that the reader has seen lie before it in the WAL */
	LogSnapshot seen;
	bool partial; /* in the middle of a window */
	LogSnapshot window_end;
	int64 last_id;		   /* of the window's events that were read; -1 unless partial */
	struct Position *also; /* the next part, or NULL */
} Position;

/* Returns the highest id that may have been read; below it, events of slower transactions may be missing. */
extern int64 position_reach(const Position *position);

/* Returns the part with the highest reach. */
extern const Position *position_furthest(const Position *position);

/* Returns a position that precedes all events after the furthest part of "a", and all after that of "b". */
extern Position position_before(const Position *a, const Position *b);

/* Returns whether a reader at "b" has read all events that a reader at "a" has. */
extern bool position_within(const Position *a, const Position *b);

/* Removes parts that lie within another part. */
extern void position_simplify(Position *position);

/* Returns whether a reader at the position has read an event of the transaction with the id; NULL has read none. */
extern bool position_has_read(const Position *position, uint64 xid, int64 id);

/*
 * Sets *snapshots and *ids to arrays of type pg_snapshot[] and bigint[].  An event
 * has been read if one of the snapshots sees it, and its id is at most the element of
 * *ids with the same index.  If position is NULL, the arrays are empty.
 */
extern void position_seen(const Position *position, Datum *snapshots, Datum *ids);

/* Returns the text form, palloc'd. */
extern char *position_text(const Position *position);

/* The text form of positions in the middle of one window, which differ in their last_id. */
typedef struct PositionText
{
	StringInfoData text;
	int head;	/* the length of the text before last_id */
	char *tail; /* the text after it */
} PositionText;

/* Begins with the window of the position. */
extern void position_text_begin(PositionText *text, const Position *position);

/* Returns the text form with that last_id as a datum of type text, valid until the next call. */
extern Datum position_text_at(PositionText *text, int64 last_id);

/* Reads the text form; position_read() returns false and position_parse() raises HD003 if it is malformed. */
extern bool position_read(const char *text, Position *position);
extern Position position_parse(const char *text);

#endif /* HERALD_POSITION_H */

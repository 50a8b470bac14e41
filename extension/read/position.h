/*-------------------------------------------------------------------------
 *
 * position.h
 *	  A place in the event log in commit order, and its text.
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
 * Everything visible at "seen" has been read.  In the middle of a window, so
 * have the rows that became visible between "seen" and "window" up to last_id.
 * A reader that changed over from another order has seen what is before either.
 */
typedef struct Position
{
	uint32 database_hash; /* which database of which cluster: server_start_database_hash() */
	int64 start;		  /* which start of its server */
	uint64 durable_lsn;	  /* where in the WAL all commits are that it has seen: before this place */
	LogSnapshot seen;
	bool partial;
	LogSnapshot window;
	int64 last_id;
	struct Position *also; /* has been read, too; or NULL */
} Position;

/* The id up to which most has been read. */
extern int64 position_reach(const Position *position);

/* The part of a position that has read furthest. */
extern const Position *position_furthest(const Position *position);

/* A position such that what comes after one of the furthest parts comes after it. */
extern Position position_before(const Position *a, const Position *b);

/* Whether all that is before "a" is before "b". */
extern bool position_within(const Position *a, const Position *b);

/* Forgets what else has been read where the rest says it already. */
extern void position_simplify(Position *position);

/*
 * What has been read, as arrays of the types pg_snapshot[] and bigint[]: a row
 * has been if one of the snapshots sees it and its id is not above that one's.
 * NULL: nothing has.
 */
extern void position_seen(const Position *position, Datum *snapshots, Datum *ids);

/* Text form and back; false, or an error HD003: the text is not a position. */
extern char *position_text(const Position *position);
extern bool position_read(const char *text, Position *position);
extern Position position_parse(const char *text);

#endif /* HERALD_POSITION_H */

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

#include "postgres.h"

#define ERRCODE_HERALD_TOO_OLD MAKE_SQLSTATE('H', 'D', '0', '0', '1')
#define ERRCODE_HERALD_FOREIGN MAKE_SQLSTATE('H', 'D', '0', '0', '2')
#define ERRCODE_HERALD_MALFORMED MAKE_SQLSTATE('H', 'D', '0', '0', '3')

/* Which transactions had ended: all below xmax but those in progress. */
typedef struct Moment
{
	uint64 xmin;
	uint64 xmax;
	int count;
	uint64 *in_progress; /* ascending */
} Moment;

/*
 * Everything visible at "seen" has been read.  In the middle of a window, so
 * have the rows that became visible between "seen" and "window" up to last_id.
 */
typedef struct Position
{
	uint32 system; /* which cluster */
	int64 start;   /* which start of its server */
	Moment seen;
	bool partial;
	Moment window;
	int64 last_id;
} Position;

/* The moment of the active snapshot. */
extern Moment moment_now(void);

/* Forgets the ends of transactions at or above the limit. */
extern void moment_clip(Moment *moment, uint64 limit);

/* The moment as a value of type pg_snapshot. */
extern Datum moment_snapshot(const Moment *moment);

/* The list of transactions in progress as a value of type xid8[], and back. */
extern Datum moment_in_progress(const Moment *moment);
extern void moment_set_in_progress(Moment *moment, Datum list);

/* Text form and back; a text that is not a position is an error HD003. */
extern char *position_text(const Position *position);
extern Position position_parse(const char *text);

#endif /* HERALD_POSITION_H */

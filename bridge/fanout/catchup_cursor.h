/*-------------------------------------------------------------------------
 *
 * catchup_cursor.h
 *	  Tracks how far a session has come in the event log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CATCHUP_CURSOR_H
#define HERALD_CATCHUP_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/event.h"
#include "fanout/seen_snapshots.h"
#include "fanout/snapshot.h"

/* The reason why a session is stalled: it gets no events until it has been located again. */
typedef enum Stall
{
	STALL_NONE,
	STALL_NO_SPACE, /* its outbox had no space for an event */
	STALL_RECHECK	/* a recheck concerns its access to rooms */
} Stall;

/*
 * Part of a session.  All may read it; only the functions below write it.  A live session
 * has neither a position nor snapshots: the reader's position is also its own.
 */
typedef struct CatchupCursor
{
	SeenSnapshots *seen_snapshots; /* of the position; NULL: live, or not located yet */
	Stall stall;				   /* whether later events are offered */
	Snapshot *checked;			   /* the database has checked the session with it; NULL: live, or not located yet */
	bool recovered;				   /* the client misses no event */
	char *position;				   /* after the client's events; NULL: live, or new and not located yet */
	Event *last_event;			   /* delivered after the position; NULL: none */
	uint64_t segment;			   /* of the event cache, from which on to replay; 0: the cache begins too late */
	uint64_t reader_window;		   /* number of the reader's window that must end before the replay */
	int64_t lag_events;			   /* about so many events followed the position when it was located */
} CatchupCursor;

/* Begins at a position, which the cursor takes over; NULL: the client is new. */
extern void catchup_cursor_start(CatchupCursor *cursor, char *position);

/* Frees all that belongs to the cursor. */
extern void catchup_cursor_end(CatchupCursor *cursor);

/* Returns whether the database has located the session: the snapshots of its position are known. */
extern bool catchup_cursor_is_located(const CatchupCursor *cursor);

/* Notes whether the database could recover the client. */
extern void catchup_cursor_set_recovered(CatchupCursor *cursor, bool recovered);

/* Takes over the database's answer: a position, its snapshots, and where to go on. */
extern void catchup_cursor_locate(CatchupCursor *cursor, char *position, SeenSnapshots *seen_snapshots);
extern void catchup_cursor_plan(CatchupCursor *cursor, uint64_t segment, uint64_t reader_window, int64_t lag_events);

/* Notes the snapshot with which the database has checked the session.  Forgets it: a crash gives its ids to others. */
extern void catchup_cursor_note_check(CatchupCursor *cursor, Snapshot *checked);
extern void catchup_cursor_forget_check(CatchupCursor *cursor);

/* Returns whether the check has considered what a transaction changed; false for a live session. */
extern bool catchup_cursor_has_considered(const CatchupCursor *cursor, uint64_t xid);

/* Returns whether the client has had the event before it came; false for a live session. */
extern bool catchup_cursor_has_seen(const CatchupCursor *cursor, const Event *event);

/* Returns the position after an event of a replay: the event's own, with the client's.  The caller frees it. */
extern char *catchup_cursor_position_after(const CatchupCursor *cursor, const Event *event);

/* Notes that the session, which is not live, has got an event.  Keeps a reference to it. */
extern void catchup_cursor_advance(CatchupCursor *cursor, Event *event);

/* Offers no event from now on. */
extern void catchup_cursor_stall(CatchupCursor *cursor, Stall reason);

/* Moves the position after the last event, and offers events again. */
extern void catchup_cursor_resume(CatchupCursor *cursor);

/* Begins anew at a position, which is copied: the session was live until there. */
extern void catchup_cursor_fall_behind(CatchupCursor *cursor, const char *position);

/* Drops the position and its snapshots: the session goes live. */
extern void catchup_cursor_finish(CatchupCursor *cursor);

#endif /* HERALD_CATCHUP_CURSOR_H */

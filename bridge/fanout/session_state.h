/*-------------------------------------------------------------------------
 *
 * session_state.h
 *	  Names the states of a session, its audiences, and the lists that it goes through.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SESSION_STATE_H
#define HERALD_SESSION_STATE_H

#include <stdint.h>

/*
 * The life of a session.  Each state goes with these audiences and lists only, which session_is_consistent() checks.
 * Between two lists, a session is in none.
 *
 *	 ARRIVING	NONE		 none, TO_LOCATE, TO_RECHECK, BEING_LOCATED, AWAITING_READER, AWAITING_LOG,
 *							 AWAITING_RETRY, READING_LOG
 *				LOG_REPLAY	 READING_LOG, until the first page
 *				CACHE_REPLAY none, until it is welcomed in the same turn
 *	 REPLAYING	NONE		 the same as ARRIVING
 *				LOG_REPLAY	 READING_LOG
 *				CACHE_REPLAY READING_CACHE
 *	 LIVE		LIVE		 none; FALLING_BEHIND while an event is published
 *	 GONE		NONE		 any: the owner of the list drops the session when its turn comes
 */
typedef enum SessionState
{
	SESSION_ARRIVING,  /* admitted, not welcomed yet */
	SESSION_REPLAYING, /* welcomed; gets the events that it missed, and no live ones */
	SESSION_LIVE,	   /* gets each event as it is read */
	SESSION_GONE	   /* has left; only references remain */
} SessionState;

/* A part of all sessions, to which room_publish() publishes an event.  It reaches no other audience. */
typedef enum Audience
{
	AUDIENCE_NONE,		   /* gets no events */
	AUDIENCE_LOG_REPLAY,   /* events that are read from the log once more */
	AUDIENCE_CACHE_REPLAY, /* events of the event cache */
	AUDIENCE_LIVE,		   /* events as the reader reads them */
	AUDIENCE_COUNT
} Audience;

/* The list that a session is in, at most one; the list holds a reference (session_list.h). */
typedef enum SessionListKind
{
	LIST_NONE,
	LIST_TO_LOCATE,		  /* arrival: a query will ask where its position is in the log, and for its rooms */
	LIST_TO_RECHECK,	  /* arrival: the same for a session that was located before: may it still be in its rooms? */
	LIST_BEING_LOCATED,	  /* arrival: the query that runs asks that */
	LIST_AWAITING_READER, /* arrival: located; the reader must read past its position */
	LIST_READING_CACHE,	  /* replay: gets events of the event cache, within a turn */
	LIST_AWAITING_LOG,	  /* replay: the cache begins too late; waits for a reading of the log */
	LIST_READING_LOG,	  /* replay: gets the events of a reading of the log, or waits for its turn */
	LIST_AWAITING_RETRY,  /* pause: waits for its outbox to be empty, or for a while after a failed reading */
	LIST_FALLING_BEHIND	  /* relay: live, but it has stalled before the event that is being published */
} SessionListKind;

/* Where a session comes from, for the log and for limits. */
typedef struct SessionOrigin
{
	uint64_t number; /* of no other session of this process */
	uint64_t began;	 /* by loop_now() */
	char *address;	 /* of the client; NULL: unknown */
} SessionOrigin;

#endif /* HERALD_SESSION_STATE_H */

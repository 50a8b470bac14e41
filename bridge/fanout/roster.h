/*-------------------------------------------------------------------------
 *
 * roster.h
 *	  Holds all sessions, from their creation until they leave.
 *
 * One function for each change of a session's state:
 *
 *	 roster_add			  -> ARRIVING
 *	 roster_welcome		  ARRIVING -> REPLAYING
 *	 roster_go_live		  REPLAYING -> LIVE
 *	 roster_fall_behind	  LIVE -> REPLAYING
 *	 roster_leave		  any -> GONE
 *	 roster_new_guest	  -> ARRIVING
 *	 roster_end_guest	  ARRIVING -> GONE
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ROSTER_H
#define HERALD_ROSTER_H

#include "fanout/session.h"

/*
 * Creates a session of a user and returns it with one reference, for its protocol.  Takes over the strings;
 * position NULL: the client is new.
 */
extern Session *roster_add(char *user, char *key, char *position, char *claims);

/*
 * Creates a session for one request: it is in no list, gets no event, and does not make its user present.  Takes over
 * the strings.  roster_end_guest() ends it; actions may still refer to it.
 */
extern Session *roster_new_guest(char *user, char *key, char *claims);
extern void roster_end_guest(Session *session);

/* Welcomes an arriving session; of no effect for others.  The client's protocol may let the session leave meanwhile. */
extern void roster_welcome(Session *session);

/* Makes a replaying session live: it has got all events that it missed. */
extern void roster_go_live(Session *session);

/* Takes a stalled live session back to replaying: its replay begins at this position, which is copied. */
extern void roster_fall_behind(Session *session, const char *position);

/*
 * Stops an arriving or replaying session: moves its position after its last event, and takes it out of its audience.
 * It gets no event until it is in one again.
 */
extern void roster_pause(Session *session);

/* Tells a live session an event of event_of_position(), unless its client was told a position in this round. */
extern void roster_tell_position(Session *session, Event *event);

/*
 * Ends a session, the only way to do so: it leaves its rooms and its user, its timer stops, and the protocol's
 * reference is given up.  Of no effect the second time.
 */
extern void roster_leave(Session *session);

/* Returns the user's session with this key, without a reference; NULL: there is none. */
extern Session *roster_find(const char *user, const char *key);

/* Calls a function for each session; it may let that session leave. */
extern void roster_each(void (*visit)(Session *session, void *context), void *context);

#endif /* HERALD_ROSTER_H */

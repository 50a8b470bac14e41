/*-------------------------------------------------------------------------
 *
 * room.h
 *	  Delivers each event to the sessions that are in its rooms.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ROOM_H
#define HERALD_ROOM_H

#include "fanout/access.h"
#include "fanout/event.h"
#include "fanout/session.h"

/* Puts a session into a room by the log, which says when it leaves; of no effect when it has left the bridge. */
extern void room_join(Session *session, const char *name);

/*
 * Puts a session into a room that it has joined.  Takes over the access.  Returns false, and has no effect, when the
 * session is in the room, or has left the bridge.
 */
extern bool room_admit(Session *session, const char *name, Access *access);

/* Returns whether a session is in a room. */
extern bool room_has(const Session *session, const char *name);

/* Takes a session out of a room; of no effect when it is not in the room. */
extern void room_leave(Session *session, const char *name);

/* Takes a session out of all rooms. */
extern void room_leave_all(Session *session);

/* Forgets the snapshots of the checks that have admitted a session to its rooms (access_forget()). */
extern void room_forget_answers(Session *session);

/* Moves a session to another audience; it stays in its rooms. */
extern void room_move(Session *session, Audience audience);

/*
 * A check of the rooms that a session has joined, by a query.  begin() calls a function for each of them.  The answer
 * should have them all: admit() notes that the session may stay in a room, refuse() takes it out of the room and tells
 * the client.  end() refuses the rooms that the answer lacks, as forbidden.  A room that the session has joined
 * meanwhile is not part of the check.
 */
extern void room_check_begin(Session *session, void (*visit)(const char *name, void *context), void *context);
extern void room_check_admit(Session *session, const char *name, Snapshot *checked, uint64_t window);
extern void room_check_refuse(Session *session, const char *name, const RoomRefusal *reason);
extern void room_check_end(Session *session);

/*
 * Returns whether a recheck concerns a session in this room, or in any room, after the latest checks of the session's
 * access.
 */
extern bool room_recheck_concerns(const Recheck *recheck, const Session *session, const char *name);
extern bool room_recheck_concerns_any(const Recheck *recheck, const Session *session);

/*
 * Applies the session's late changes (action_lane.h) once more, after the answer to a join: the
 * answer may be older than they are.  Frees them when no join is in flight any more.
 */
extern void room_apply_late_changes(Session *session);

/* Registers the function to call when a session enters or leaves a room of the live audience; NULL: none. */
extern void room_on_change(void (*tell)(const char *name));

/* Returns how many users have a welcomed session in a room, live or not. */
extern int room_users(const char *name);

/* Notes that the reader has read a window to its end: the live audience has got its events. */
extern void room_window_read(uint64_t window);

/*
 * Delivers an event once to each session of an audience that is in at least one of its rooms.
 * An event may change the rooms of a user (Event.member):
 *	 - If the user joins a room, the user's sessions join before the event is delivered.
 *	 - If the user leaves a room, the user's sessions get the event, and none of the room after it.
 *	 - A replaying session without space in its outbox stalls: it neither joins nor gets the event.
 * An event may withdraw access (Event.recheck).  The sessions that it concerns stall before it.
 */
extern void room_publish(Audience audience, Event *event);

#endif /* HERALD_ROOM_H */

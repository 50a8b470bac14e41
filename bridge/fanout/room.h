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

#include "fanout/event.h"
#include "fanout/session.h"

/* Puts a session into a room; of no effect when it is in the room, or has left the bridge. */
extern void room_join(Session *session, const char *name);

/* Takes a session out of a room; of no effect when it is not in the room. */
extern void room_leave(Session *session, const char *name);

/* Takes a session out of all rooms. */
extern void room_leave_all(Session *session);

/* Moves a session to another audience; it stays in its rooms. */
extern void room_move(Session *session, Audience audience);

/*
 * Applies the session's late changes (action_lane.h) once more, after the answer to a join: the
 * answer may be older than they are.  Frees them when no join is in flight any more.
 */
extern void room_apply_late_changes(Session *session);

/* Registers the function to call when a session enters or leaves a room of the live audience; NULL: none. */
extern void room_on_change(void (*tell)(const char *name));

/* Returns how many users have a welcomed session in a room, live or not. */
extern int room_users(const char *name);

/*
 * Delivers an event once to each session of an audience that is in at least one of its rooms.
 * An event may change the rooms of a user (Event.member):
 *	 - If the user joins a room, the user's sessions join before the event is delivered.
 *	 - If the user leaves a room, the user's sessions get the event, and none of the room after it.
 *	 - A replaying session without space in its outbox stalls: it neither joins nor gets the event.
 */
extern void room_publish(Audience audience, Event *event);

#endif /* HERALD_ROOM_H */

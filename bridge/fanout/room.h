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

/* Puts a session into a room; of no effect when it is there already. */
extern void room_join(Session *session, const char *name);
extern void room_leave(Session *session, const char *name);
extern void room_leave_all(Session *session);

/* Takes a session, with its rooms, to another audience. */
extern void room_move(Session *session, Audience audience);

/* Has a function called when a session enters or leaves a room of the live audience; NULL: none. */
extern void room_on_change(void (*tell)(const char *name));

/* How many users have a session in a room, be it live or behind. */
extern int room_users(const char *name);

/*
 * Gives an event once to each session of a audience that is in at least one of its
 * rooms.  A change of membership is part of its event: who joins has joined
 * before it, who leaves hears it and nothing after it.
 */
extern void room_publish(Audience audience, Event *event);

#endif /* HERALD_ROOM_H */

/*-------------------------------------------------------------------------
 *
 * membership.h
 *	  Sessions in rooms: the part of room.c that keeps who is where.
 *
 * Only room.c uses it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_MEMBERSHIP_H
#define HERALD_MEMBERSHIP_H

#include <uthash.h>

#include "fanout/access.h"
#include "fanout/session.h"

typedef struct Room
{
	struct Membership **members;
	int count;
	int capacity;
	Audience audience;
	UT_hash_handle hh;
	char name[];
} Room;

/* A session in a room; each knows its index in both arrays. */
typedef struct Membership
{
	Room *room;
	Session *session;
	Access *access; /* NULL: the session is in the room by the log */
	int index_in_room;
	int index_in_session;
} Membership;

/* Returns the room of this name in an audience; NULL: no session is in it. */
extern Room *membership_room(Audience audience, const char *name);

/* Returns the membership of a session in a room; NULL: it is not there. */
extern Membership *membership_find(const Session *session, const char *name);

/* Puts a session into a room that it is not in.  Takes over the access; NULL: it is there by the log. */
extern void membership_start(Session *session, const char *name, Access *access);

/* Frees the access: from now on the log says when the membership ends. */
extern void membership_drop_access(Membership *membership);

/* Takes the session out of the room. */
extern void membership_end(Membership *membership);

/* Moves a session to the rooms of the same names in another audience. */
extern void membership_move_all(Session *session, Audience audience);

/* Registers the function to call when a session enters or leaves a room of the live audience; NULL: none. */
extern void membership_on_change(void (*tell)(const char *name));

#endif /* HERALD_MEMBERSHIP_H */

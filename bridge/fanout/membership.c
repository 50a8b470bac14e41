/*-------------------------------------------------------------------------
 *
 * membership.c
 *	  Sessions in rooms: the part of room.c that keeps who is where.
 *
 * A room exists while a session is in it, once for each audience.  A membership, of one
 * session in one room, is one object in two arrays, the room's and the session's: leaving
 * a room takes constant time from either side.
 *
 * A session is in a room by the log, or because it has joined the room and was admitted.  The log
 * says when a membership of the first kind ends.  A membership of the second kind has an Access.  It
 * lasts until a recheck (recheck.h) concerns it: then the session stalls, and is checked again.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/membership.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/room_key.h"

static struct
{
	Room *by_name[AUDIENCE_COUNT];
	void (*tell_change)(const char *name);
} memberships;

Room *
membership_room(Audience audience, const char *name)
{
	Room *room;

	HASH_FIND_STR(memberships.by_name[audience], name, room);
	return room;
}

static Room *
open_room(Audience audience, const char *name)
{
	Room *room = membership_room(audience, name);

	if (room == NULL)
	{
		room = memory_new(sizeof(Room) + strlen(name) + 1);
		strcpy(room->name, name);
		room->audience = audience;
		HASH_ADD_STR(memberships.by_name[audience], name, room);
		metrics.rooms++;
	}
	return room;
}

Membership *
membership_find(const Session *session, const char *name)
{
	for (int i = 0; i < session->rooms.count; i++)
	{
		if (strcmp(session->rooms.memberships[i]->room->name, name) == 0)
			return session->rooms.memberships[i];
	}
	return NULL;
}

/* Appends to an array of memberships, which grows; returns the index. */
static int
append_membership(Membership ***array, int *count, int *capacity, Membership *membership)
{
	if (*count == *capacity)
	{
		*capacity = *capacity ? *capacity * 2 : 4;
		*array = memory_resize(*array, sizeof(Membership *) * (size_t) *capacity);
	}
	(*array)[*count] = membership;
	return (*count)++;
}

static void
tell_change(const Room *room)
{
	if (room->audience == AUDIENCE_LIVE && memberships.tell_change != NULL)
		memberships.tell_change(room->name);
}

static void
enter_room(Membership *membership, Room *room)
{
	membership->room = room;
	membership->index_in_room = append_membership(&room->members, &room->count, &room->capacity, membership);
	tell_change(room);
}

void
membership_start(Session *session, const char *name, Access *access)
{
	SessionRooms *joined = &session->rooms;
	Membership *membership = memory_new(sizeof(Membership));

	membership->session = session;
	membership->access = access;
	joined->joined += access != NULL;
	enter_room(membership, open_room(joined->audience, name));
	membership->index_in_session =
		append_membership(&joined->memberships, &joined->count, &joined->capacity, membership);
}

void
membership_drop_access(Membership *membership)
{
	membership->session->rooms.joined -= membership->access != NULL;
	access_free(membership->access);
	membership->access = NULL;
}

static bool
is_open(const char *name)
{
	bool open = false;

	for (Audience audience = 0; audience < AUDIENCE_COUNT; audience++)
		open |= membership_room(audience, name) != NULL;
	return open;
}

/* Fills the gap with the last member of the room; closes a room without members. */
static void
quit_room(Membership *membership)
{
	Room *room = membership->room;
	Membership *last = room->members[--room->count];

	room->members[membership->index_in_room] = last;
	last->index_in_room = membership->index_in_room;
	tell_change(room);
	if (room->count == 0)
	{
		HASH_DEL(memberships.by_name[room->audience], room);
		if (!is_open(room->name))
			room_key_forget(room->name);
		free(room->members);
		free(room);
		metrics.rooms--;
	}
}

void
membership_end(Membership *membership)
{
	SessionRooms *joined = &membership->session->rooms;
	Membership *last = joined->memberships[--joined->count];

	quit_room(membership);
	joined->memberships[membership->index_in_session] = last;
	last->index_in_session = membership->index_in_session;
	membership_drop_access(membership);
	free(membership);
}

void
membership_move_all(Session *session, Audience audience)
{
	SessionRooms *joined = &session->rooms;

	for (int i = 0; i < joined->count && joined->audience != audience; i++)
	{
		Room *room = open_room(audience, joined->memberships[i]->room->name);

		quit_room(joined->memberships[i]);
		enter_room(joined->memberships[i], room);
	}
	joined->audience = audience;
}

void
membership_on_change(void (*tell)(const char *name))
{
	memberships.tell_change = tell;
}

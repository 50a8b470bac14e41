/*-------------------------------------------------------------------------
 *
 * room.c
 *	  Delivers each event to the sessions that are in its rooms.
 *
 * A room exists while somebody is in it.  A membership is one object in two
 * arrays, the room's and the session's, so that leaving costs the same from
 * either side.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/room.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/metrics.h"

typedef struct Room
{
	struct Membership **members;
	int count;
	int capacity;
	UT_hash_handle hh;
	char name[];
} Room;

/* A session in a room; each knows its place in both arrays. */
typedef struct Membership
{
	Room *room;
	Session *session;
	int place_in_room;
	int place_in_session;
} Membership;

static Room *rooms = NULL;
static uint64_t last_stamp = 0;

static Room *
find_room(const char *name)
{
	Room *room;

	HASH_FIND_STR(rooms, name, room);
	return room;
}

static Room *
open_room(const char *name)
{
	Room *room = find_room(name);

	if (room == NULL)
	{
		room = memory_new(sizeof(Room) + strlen(name) + 1);
		strcpy(room->name, name);
		HASH_ADD_STR(rooms, name, room);
		metrics.rooms++;
	}
	return room;
}

static Membership *
find_membership(const Session *session, const char *name)
{
	for (int i = 0; i < session->room_count; i++)
	{
		if (strcmp(session->rooms[i]->room->name, name) == 0)
			return session->rooms[i];
	}
	return NULL;
}

/* Appends to an array of memberships that grows; returns the place. */
static int
append(Membership ***array, int *count, int *capacity, Membership *membership)
{
	if (*count == *capacity)
	{
		*capacity = *capacity ? *capacity * 2 : 4;
		*array = memory_resize(*array, sizeof(Membership *) * (size_t) *capacity);
	}
	(*array)[*count] = membership;
	return (*count)++;
}

void
room_join(Session *session, const char *name)
{
	Membership *membership;

	if (session->state == SESSION_GONE || find_membership(session, name) != NULL)
		return;
	membership = memory_new(sizeof(Membership));
	membership->room = open_room(name);
	membership->session = session;
	membership->place_in_room = append(&membership->room->members, &membership->room->count,
									   &membership->room->capacity, membership);
	membership->place_in_session = append(&session->rooms, &session->room_count, &session->room_capacity, membership);
}

/* Takes a membership out of both arrays; the last one of each fills the gap. */
static void
end_membership(Membership *membership)
{
	Room *room = membership->room;
	Session *session = membership->session;
	Membership *last = room->members[--room->count];

	room->members[membership->place_in_room] = last;
	last->place_in_room = membership->place_in_room;
	last = session->rooms[--session->room_count];
	session->rooms[membership->place_in_session] = last;
	last->place_in_session = membership->place_in_session;
	free(membership);
	if (room->count == 0)
	{
		HASH_DEL(rooms, room);
		free(room->members);
		free(room);
		metrics.rooms--;
	}
}

void
room_leave(Session *session, const char *name)
{
	Membership *membership = find_membership(session, name);

	if (membership != NULL)
		end_membership(membership);
}

void
room_leave_all(Session *session)
{
	while (session->room_count > 0)
		end_membership(session->rooms[session->room_count - 1]);
}

const char *
room_name(const Session *session, int place)
{
	return session->rooms[place]->room->name;
}

static void
deliver_once(Session *session, void *context)
{
	if (session->last_event == last_stamp)
		return;
	session->last_event = last_stamp;
	session_deliver(session, context);
}

static void
publish_in(const char *name, Event *event)
{
	Room *room;

	if (strcmp(name, "*") == 0)
	{
		session_each(deliver_once, event);
		return;
	}
	/* A delivery ends no session: an outbox that overflows tells its owner, who acts later. */
	room = find_room(name);
	for (int i = 0; room != NULL && i < room->count; i++)
		deliver_once(room->members[i]->session, event);
}

void
room_publish(Event *event)
{
	last_stamp++;
	for (int i = 0; i < event->room_count; i++)
		publish_in(event->rooms[i], event);
}

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
	Audience audience;
	UT_hash_handle hh;
	char name[];
} Room;

/* A session in a room; each knows its index in both arrays. */
typedef struct Membership
{
	Room *room;
	Session *session;
	int index_in_room;
	int index_in_session;
} Membership;

static Room *rooms[AUDIENCE_COUNT];
static uint64_t last_stamp = 0;
static void (*tell_change)(const char *name);

static Room *
find_room(Audience audience, const char *name)
{
	Room *room;

	HASH_FIND_STR(rooms[audience], name, room);
	return room;
}

static Room *
open_room(Audience audience, const char *name)
{
	Room *room = find_room(audience, name);

	if (room == NULL)
	{
		room = memory_new(sizeof(Room) + strlen(name) + 1);
		strcpy(room->name, name);
		room->audience = audience;
		HASH_ADD_STR(rooms[audience], name, room);
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

/* Appends to an array of memberships that grows; returns the index. */
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

static void
note_change(const Room *room)
{
	if (room->audience == AUDIENCE_LIVE && tell_change != NULL)
		tell_change(room->name);
}

static void
enter(Membership *membership, Room *room)
{
	membership->room = room;
	membership->index_in_room = append(&room->members, &room->count, &room->capacity, membership);
	note_change(room);
}

void
room_join(Session *session, const char *name)
{
	Membership *membership;

	if (session->state == SESSION_GONE || find_membership(session, name) != NULL)
		return;
	membership = memory_new(sizeof(Membership));
	membership->session = session;
	enter(membership, open_room(session->audience, name));
	membership->index_in_session = append(&session->rooms, &session->room_count, &session->room_capacity, membership);
}

/* The last member of the room fills the gap; a room without members is closed. */
static void
quit(Membership *membership)
{
	Room *room = membership->room;
	Membership *last = room->members[--room->count];

	room->members[membership->index_in_room] = last;
	last->index_in_room = membership->index_in_room;
	note_change(room);
	if (room->count == 0)
	{
		HASH_DEL(rooms[room->audience], room);
		free(room->members);
		free(room);
		metrics.rooms--;
	}
}

static void
end_membership(Membership *membership)
{
	Session *session = membership->session;
	Membership *last = session->rooms[--session->room_count];

	quit(membership);
	session->rooms[membership->index_in_session] = last;
	last->index_in_session = membership->index_in_session;
	free(membership);
}

void
room_move(Session *session, Audience audience)
{
	for (int i = 0; i < session->room_count && session->audience != audience; i++)
	{
		Room *room = open_room(audience, session->rooms[i]->room->name);

		quit(session->rooms[i]);
		enter(session->rooms[i], room);
	}
	session->audience = audience;
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

void
room_on_change(void (*tell)(const char *name))
{
	tell_change = tell;
}

static void
stamp_user(Session *session)
{
	for (Session *one = session; one != NULL; one = one->next_of_user)
		one->last_event = last_stamp;
	for (Session *one = session->previous_of_user; one != NULL; one = one->previous_of_user)
		one->last_event = last_stamp;
}

/* Those who are welcomed and have not been counted in another audience. */
static int
count_users(const Room *room)
{
	int users = 0;

	for (int i = 0; room != NULL && i < room->count; i++)
	{
		Session *session = room->members[i]->session;

		if (session->state == SESSION_ARRIVING || session->last_event == last_stamp)
			continue;
		stamp_user(session);
		users++;
	}
	return users;
}

int
room_users(const char *name)
{
	int users = 0;

	last_stamp++;
	for (Audience audience = 0; audience < AUDIENCE_COUNT; audience++)
		users += count_users(find_room(audience, name));
	return users;
}

static void
deliver_once(Session *session, Event *event)
{
	if (session->last_event == last_stamp)
		return;
	session->last_event = last_stamp;
	session_deliver(session, event);
}

/* A delivery ends no session: an outbox that overflows tells its owner, who acts later. */
static void
publish_in(const Room *room, Event *event)
{
	for (int i = 0; room != NULL && i < room->count; i++)
		deliver_once(room->members[i]->session, event);
}

/* Puts a user's sessions into a room or takes them out. */
static void
change_members(Audience audience, Event *event, const char *room, bool joins)
{
	Session *session = event->member && room ? session_of_user(event->member) : NULL;

	for (; session != NULL; session = session->next_of_user)
	{
		if (session->audience == audience && session_awaits(session, event))
			session_change_room(session, event, room, joins);
	}
}

void
room_publish(Audience audience, Event *event)
{
	last_stamp++;
	change_members(audience, event, event->joins, true);
	for (int i = 0; i < event->room_count; i++)
		publish_in(find_room(audience, event->rooms[i]), event);
	change_members(audience, event, event->leaves, false);
}

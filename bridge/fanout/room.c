/*-------------------------------------------------------------------------
 *
 * room.c
 *	  Delivers each event to the sessions that are in its rooms.
 *
 * A room exists while a session is in it, once for each audience.  A membership, of one
 * session in one room, is one object in two arrays, the room's and the session's: leaving
 * a room takes constant time from either side.
 *
 * An event may also put a user into a room, or take the user out of it.  Then all sessions
 * of that user join or leave.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/room.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/user.h"

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

static struct
{
	Room *by_name[AUDIENCE_COUNT];
	uint64_t pass; /* number of the latest publication or count; the sessions that it has reached note it */
	void (*tell_change)(const char *name);
} rooms;

static Room *
find_room(Audience audience, const char *name)
{
	Room *room;

	HASH_FIND_STR(rooms.by_name[audience], name, room);
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
		HASH_ADD_STR(rooms.by_name[audience], name, room);
		metrics.rooms++;
	}
	return room;
}

static Membership *
find_membership(const Session *session, const char *name)
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
	if (room->audience == AUDIENCE_LIVE && rooms.tell_change != NULL)
		rooms.tell_change(room->name);
}

static void
enter_room(Membership *membership, Room *room)
{
	membership->room = room;
	membership->index_in_room = append_membership(&room->members, &room->count, &room->capacity, membership);
	tell_change(room);
}

void
room_join(Session *session, const char *name)
{
	SessionRooms *joined = &session->rooms;
	Membership *membership;

	if (session->state == SESSION_GONE || find_membership(session, name) != NULL)
		return;
	membership = memory_new(sizeof(Membership));
	membership->session = session;
	enter_room(membership, open_room(joined->audience, name));
	membership->index_in_session =
		append_membership(&joined->memberships, &joined->count, &joined->capacity, membership);
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
		HASH_DEL(rooms.by_name[room->audience], room);
		free(room->members);
		free(room);
		metrics.rooms--;
	}
}

static void
end_membership(Membership *membership)
{
	SessionRooms *joined = &membership->session->rooms;
	Membership *last = joined->memberships[--joined->count];

	quit_room(membership);
	joined->memberships[membership->index_in_session] = last;
	last->index_in_session = membership->index_in_session;
	free(membership);
}

void
room_move(Session *session, Audience audience)
{
	SessionRooms *joined = &session->rooms;

	for (int i = 0; i < joined->count && joined->audience != audience; i++)
	{
		Room *room = open_room(audience, joined->memberships[i]->room->name);

		quit_room(joined->memberships[i]);
		enter_room(joined->memberships[i], room);
	}
	joined->audience = audience;
	assert(session_is_consistent(session));
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
	SessionRooms *joined = &session->rooms;

	while (joined->count > 0)
		end_membership(joined->memberships[joined->count - 1]);
	free(joined->memberships);
	joined->memberships = NULL;
	joined->capacity = 0;
}

void
room_apply_late_changes(Session *session)
{
	for (LateChange *change = session->lane.late_changes; change != NULL; change = change->next)
	{
		if (change->joins)
			room_join(session, change->room);
		else
			room_leave(session, change->room);
	}
	action_lane_settle_changes(&session->lane);
}

void
room_on_change(void (*tell)(const char *name))
{
	rooms.tell_change = tell;
}

static void
mark_user(Session *session)
{
	for (Session *one = session; one != NULL; one = one->next_of_user)
		one->rooms.last_pass = rooms.pass;
	for (Session *one = session->previous_of_user; one != NULL; one = one->previous_of_user)
		one->rooms.last_pass = rooms.pass;
}

/* Counts the users of a room's welcomed sessions, each once in a pass over all audiences. */
static int
count_users(const Room *room)
{
	int users = 0;

	for (int i = 0; room != NULL && i < room->count; i++)
	{
		Session *session = room->members[i]->session;

		if (session->state == SESSION_ARRIVING || session->rooms.last_pass == rooms.pass)
			continue;
		mark_user(session);
		users++;
	}
	return users;
}

int
room_users(const char *name)
{
	int users = 0;

	rooms.pass++;
	for (Audience audience = 0; audience < AUDIENCE_COUNT; audience++)
		users += count_users(find_room(audience, name));
	return users;
}

static void
deliver_once(Session *session, Event *event)
{
	if (session->rooms.last_pass == rooms.pass)
		return;
	session->rooms.last_pass = rooms.pass;
	session_deliver(session, event);
}

/* No delivery ends a session: the owner of an outbox that overflows ends its connection in a later turn. */
static void
publish_in(const Room *room, Event *event)
{
	for (int i = 0; room != NULL && i < room->count; i++)
		deliver_once(room->members[i]->session, event);
}

/*
 * A replaying session without outbox space for the event does not join now.  It stalls before the event, and
 * joins when the event is replayed again.
 */
static void
change_room_of(Session *session, Event *event, const char *room, bool joins)
{
	if (joins && session->state == SESSION_REPLAYING && !session_has_space_for(session, event))
		return;
	action_lane_keep_change(&session->lane, room, joins);
	if (joins)
		room_join(session, room);
	else
		room_leave(session, room);
	if (session->state != SESSION_LIVE)
		catchup_cursor_advance(&session->cursor, event);
}

/* Puts the sessions of the event's user into a room, or takes them out of it. */
static void
change_members(Audience audience, Event *event, const char *room, bool joins)
{
	Session *session = event->member && room ? user_sessions(event->member) : NULL;

	for (; session != NULL; session = session->next_of_user)
	{
		if (session->rooms.audience == audience && session_awaits(session, event))
			change_room_of(session, event, room, joins);
	}
}

void
room_publish(Audience audience, Event *event)
{
	assert(audience != AUDIENCE_NONE);
	rooms.pass++;
	change_members(audience, event, event->joins, true);
	for (int i = 0; i < event->room_count; i++)
		publish_in(find_room(audience, event->rooms[i]), event);
	change_members(audience, event, event->leaves, false);
}

/*-------------------------------------------------------------------------
 *
 * room.c
 *	  Delivers each event to the sessions that are in its rooms.
 *
 * An event may also put a user into a room, or take the user out of it.  Then all sessions
 * of that user join or leave.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/room.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fanout/membership.h"
#include "fanout/room_key.h"
#include "fanout/user.h"

/* A publication loads the memory of members so far ahead, once for each of three pointers. */
#define AHEAD 4

static struct
{
	uint64_t pass;	 /* number of the latest publication or count; the sessions that it has reached note it */
	uint64_t window; /* the latest one that the reader has read to its end */
} rooms;

void
room_join(Session *session, const char *name)
{
	Membership *membership = membership_find(session, name);

	if (membership != NULL)
		membership_drop_access(membership);
	else if (session->state != SESSION_GONE)
		membership_start(session, name, NULL);
}

bool
room_admit(Session *session, const char *name, Access *access)
{
	assert(access != NULL);
	if (session->state == SESSION_GONE || membership_find(session, name) != NULL)
	{
		access_free(access);
		return false;
	}
	membership_start(session, name, access);
	return true;
}

bool
room_has(const Session *session, const char *name)
{
	return membership_find(session, name) != NULL;
}

void
room_leave(Session *session, const char *name)
{
	Membership *membership = membership_find(session, name);

	if (membership != NULL)
		membership_end(membership);
}

void
room_forget_answers(Session *session)
{
	catchup_cursor_forget_check(&session->cursor);
	for (int i = 0; i < session->rooms.count; i++)
	{
		if (session->rooms.memberships[i]->access != NULL)
			access_forget(session->rooms.memberships[i]->access);
	}
}

void
room_move(Session *session, Audience audience)
{
	membership_move_all(session, audience);
	assert(session_is_consistent(session));
}

void
room_on_change(void (*tell)(const char *name))
{
	membership_on_change(tell);
}

void
room_leave_all(Session *session)
{
	SessionRooms *joined = &session->rooms;

	while (joined->count > 0)
		membership_end(joined->memberships[joined->count - 1]);
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

static void
mark_user(Session *session)
{
	for (Session *one = session; one != NULL; one = one->next_of_user)
		one->last_pass = rooms.pass;
	for (Session *one = session->previous_of_user; one != NULL; one = one->previous_of_user)
		one->last_pass = rooms.pass;
}

/* Counts the users of a room's welcomed sessions, each once in a pass over all audiences. */
static int
count_users(const Room *room)
{
	int users = 0;

	for (int i = 0; room != NULL && i < room->count; i++)
	{
		Session *session = room->members[i]->session;

		if (session->state == SESSION_ARRIVING || session->last_pass == rooms.pass)
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
		users += count_users(membership_room(audience, name));
	return users;
}

void
room_window_read(uint64_t window)
{
	rooms.window = window;
}

void
room_check_begin(Session *session, void (*visit)(const char *name, void *context), void *context)
{
	for (int i = 0; i < session->rooms.count; i++)
	{
		Membership *membership = session->rooms.memberships[i];

		if (membership->access == NULL)
			continue;
		membership->access->being_checked = true;
		visit(membership->room->name, context);
	}
}

void
room_check_admit(Session *session, const char *name, Snapshot *checked, uint64_t window)
{
	Membership *membership = membership_find(session, name);

	if (membership != NULL && membership->access != NULL)
		access_renew(membership->access, checked, window);
}

void
room_check_refuse(Session *session, const char *name, const RoomRefusal *reason)
{
	Membership *membership = membership_find(session, name);

	if (membership == NULL || membership->access == NULL || !membership->access->being_checked)
		return;
	membership_end(membership);
	session_tell_left(session, name, reason);
}

static const Membership *
find_unanswered(const Session *session)
{
	for (int i = 0; i < session->rooms.count; i++)
	{
		const Membership *membership = session->rooms.memberships[i];

		if (membership->access != NULL && membership->access->being_checked)
			return membership;
	}
	return NULL;
}

/* Searches anew after each refusal, which may end the session. */
void
room_check_end(Session *session)
{
	const Membership *membership;

	while ((membership = find_unanswered(session)) != NULL)
	{
		char *name = memory_copy(membership->room->name);

		room_check_refuse(session, name, &room_forbidden);
		free(name);
	}
}

/* Forgets snapshots that the live audience does not need any more. */
static void
settle(const Membership *membership)
{
	if (membership->room->audience == AUDIENCE_LIVE)
		access_settle(membership->access, rooms.window);
}

/* Does the membership depend on the access that the recheck is about, as it is after the latest check? */
static bool
is_concerned(const Membership *membership, const Recheck *recheck)
{
	if (membership->access == NULL || (recheck->user != NULL && strcmp(recheck->user, membership->session->user) != 0))
		return false;
	settle(membership);
	return !access_has_considered(membership->access, recheck->xid) &&
		   (recheck->room == NULL || room_key_has(membership->room->name, recheck->room));
}

bool
room_recheck_concerns(const Recheck *recheck, const Session *session, const char *name)
{
	const Membership *membership = membership_find(session, name);

	return membership != NULL && is_concerned(membership, recheck);
}

bool
room_recheck_concerns_any(const Recheck *recheck, const Session *session)
{
	for (int i = 0; i < session->rooms.count; i++)
	{
		if (is_concerned(session->rooms.memberships[i], recheck))
			return true;
	}
	return false;
}

/* One recheck of the sessions of an audience. */
typedef struct RecheckPass
{
	Audience audience;
	const Recheck *recheck;
} RecheckPass;

static void
recheck_room(const char *name, void *context)
{
	const RecheckPass *pass = context;
	const Room *room = membership_room(pass->audience, name);

	for (int i = 0; room != NULL && i < room->count; i++)
	{
		if (is_concerned(room->members[i], pass->recheck))
			session_stall(room->members[i]->session);
	}
}

/* A recheck of all rooms of a user concerns the session itself, too: its token may have been revoked. */
static bool
concerns_session(const Recheck *recheck, const Session *session)
{
	return recheck->room == NULL && !catchup_cursor_has_considered(&session->cursor, recheck->xid);
}

static void
recheck_user(const RecheckPass *pass)
{
	for (Session *session = user_sessions(pass->recheck->user); session != NULL; session = session->next_of_user)
	{
		if (session->rooms.audience == pass->audience &&
			(concerns_session(pass->recheck, session) || room_recheck_concerns_any(pass->recheck, session)))
			session_stall(session);
	}
}

/* Stalls the sessions that must be checked again before they get this event. */
static void
recheck_members(Audience audience, const Recheck *recheck)
{
	RecheckPass pass = { audience, recheck };

	assert(recheck->user != NULL || recheck->room != NULL);
	if (recheck->user != NULL)
		recheck_user(&pass);
	else
		room_key_each(recheck->room, recheck_room, &pass);
}

static bool
is_withheld(const Membership *membership, const Event *event)
{
	if (membership->access == NULL)
		return false;
	settle(membership);
	return access_withholds(membership->access, event);
}

static void
deliver_once(const Membership *membership, Event *event)
{
	Session *session = membership->session;

	if (session->last_pass == rooms.pass || is_withheld(membership, event))
		return;
	session->last_pass = rooms.pass;
	session_deliver(session, event);
}

/* Begins to load the memory of members ahead, step by step along the pointers that a delivery follows. */
static void
fetch_ahead(const Room *room, int i)
{
	if (i + 3 * AHEAD < room->count)
		memory_fetch(room->members[i + 3 * AHEAD], sizeof(Membership));
	if (i + 2 * AHEAD < room->count)
	{
		const Membership *membership = room->members[i + 2 * AHEAD];

		memory_fetch(membership->session, offsetof(Session, user));
		memory_fetch(membership->access, sizeof(Access));
	}
	if (i + AHEAD < room->count)
		memory_fetch(room->members[i + AHEAD]->session->outbox, sizeof(Outbox));
}

/* Delivers the event's part for this room, or the event unless another room has done so. */
static void
deliver_in(const Membership *membership, Event *event, const char *room, EventParts **parts)
{
	const Format *format = membership->session->format;
	Event *part = event->ephemeral && format->part != NULL ? event_parts_get(parts, format, event, room) : NULL;

	if (part == NULL)
		deliver_once(membership, event);
	else if (!is_withheld(membership, event))
		session_deliver(membership->session, part);
}

/* No delivery ends a session: the owner of an outbox that overflows ends its connection in a later turn. */
static void
publish_in(const Room *room, Event *event, const char *name)
{
	EventParts *parts = NULL;

	for (int i = 0; room != NULL && i < room->count; i++)
	{
		fetch_ahead(room, i);
		deliver_in(room->members[i], event, name, &parts);
	}
	event_parts_free(parts);
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
	if (event->recheck != NULL)
		recheck_members(audience, event->recheck);
	change_members(audience, event, event->joins, true);
	for (int i = 0; i < event->room_count; i++)
		publish_in(membership_room(audience, event->rooms[i]), event, event->rooms[i]);
	change_members(audience, event, event->leaves, false);
}

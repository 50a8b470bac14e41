/*-------------------------------------------------------------------------
 *
 * session.c
 *	  One connected client: who it is, which rooms it is in, and where its events go.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/pending_acks.h"
#include "fanout/room.h"

/* The sessions of one user; exists while there is one. */
typedef struct User
{
	Session *sessions;
	UT_hash_handle hh;
	char id[];
} User;

/* A change of rooms that comes while a join is being asked for, whose answer may be older. */
typedef struct LateChange
{
	char *room;
	bool joins;
	struct LateChange *next;
} LateChange;

static User *users = NULL;
static void (*tell_user)(const char *user, bool here);
static void (*tell_full)(Session *session);

static User *
find_user(const char *id)
{
	User *user;

	HASH_FIND_STR(users, id, user);
	return user;
}

static void
link_to_user(Session *session)
{
	User *user = find_user(session->user);

	if (user == NULL)
	{
		user = memory_new(sizeof(User) + strlen(session->user) + 1);
		strcpy(user->id, session->user);
		HASH_ADD_STR(users, id, user);
		if (tell_user != NULL)
			tell_user(user->id, true);
	}
	session->next_of_user = user->sessions;
	if (user->sessions != NULL)
		user->sessions->previous_of_user = session;
	user->sessions = session;
}

static void
unlink_from_user(Session *session)
{
	User *user = find_user(session->user);

	if (session->next_of_user != NULL)
		session->next_of_user->previous_of_user = session->previous_of_user;
	if (session->previous_of_user != NULL)
		session->previous_of_user->next_of_user = session->next_of_user;
	else
		user->sessions = session->next_of_user;
	if (user->sessions == NULL)
	{
		HASH_DEL(users, user);
		if (tell_user != NULL)
			tell_user(user->id, false);
		free(user);
	}
}

void
session_on_user(void (*tell)(const char *user, bool here))
{
	tell_user = tell;
}

Session *
session_new(char *user, char *key, char *position, char *claims)
{
	Session *session = memory_new(sizeof(Session));

	session->references = 1;
	session->state = SESSION_ARRIVING;
	session->user = user;
	session->key = key;
	session->position = position;
	session->claims = claims;
	link_to_user(session);
	metrics.sessions++;
	return session;
}

Session *
session_ref(Session *session)
{
	assert(session->references > 0);
	session->references++;
	return session;
}

void
session_unref(Session *session)
{
	assert(session->references > 0);
	if (--session->references > 0)
		return;
	assert(session->state == SESSION_GONE);
	free(session->user);
	free(session->key);
	free(session->position);
	seen_snapshots_free(session->seen);
	if (session->last != NULL)
		event_unref(session->last);
	free(session->claims);
	free(session->rooms);
	free(session);
}

bool
session_awaits(const Session *session, const Event *event)
{
	if (event->except != NULL && strcmp(event->except, session->user) == 0)
		return false;
	return !session->full && (session->state == SESSION_LIVE || !seen_snapshots_has(session->seen, event));
}

/* The event that a session got last, while it is not live; NULL: forget it. */
static void
note_last(Session *session, Event *event)
{
	if (session->last != NULL)
		event_unref(session->last);
	session->last = event ? event_ref(event) : NULL;
}

/* The event that has just gone out, with this position, is to be acknowledged. */
static void
ask(Session *session, Event *event, const char *position)
{
	const Format *format = session->format;
	Frame *frame = format->encode_position ? format->encode_position(format, position) : NULL;

	pending_acks_add(&session->pending_acks, event);
	if (frame == NULL)
		return;
	outbox_offer(session->outbox, frame);
	frame_unref(frame);
}

static void
send(Session *session, Event *event, Frame *frame, const char *position)
{
	metrics.deliveries++;
	if (event->ephemeral)
		outbox_offer(session->outbox, frame);
	else
		outbox_push(session->outbox, frame);
	if (event->ack != NULL && session->format->wants_acks)
		ask(session, event, position);
}

/* The position behind an event of a replay: the client has also seen what it had seen when it came. */
static char *
joined_position(const Session *session, const Event *event)
{
	return memory_format("%s_%s", event->position, session->position);
}

/*
 * A replay stops at the event that its connection does not take; the log has it.  What is
 * derived is in no log, and is pushed as an answer is.
 */
static bool
has_room(Session *session, const Event *event, const Frame *frame)
{
	session->full = event->id != NULL && !outbox_has_room(session->outbox, frame);
	return !session->full;
}

static void
replay(Session *session, Event *event)
{
	char *position = joined_position(session, event);
	Frame *frame = event_frame_at(event, session->format, position);

	if (frame != NULL && has_room(session, event, frame))
	{
		note_last(session, event);
		send(session, event, frame, position);
	}
	if (frame != NULL)
		frame_unref(frame);
	free(position);
}

/* Who cannot take it now gets it from the log. */
static void
send_live(Session *session, Event *event)
{
	Frame *frame = event_frame(event, session->format);

	if (frame == NULL)
		return;
	if (event->ephemeral || has_room(session, event, frame))
		send(session, event, frame, event->position);
	else
		tell_full(session);
}

void
session_deliver(Session *session, Event *event)
{
	if (!session_awaits(session, event))
		return;
	if (session->state == SESSION_REPLAYING)
		replay(session, event);
	else
		send_live(session, event);
}

void
session_on_full(void (*tell)(Session *session))
{
	tell_full = tell;
}

void
session_fall_behind(Session *session, const char *position)
{
	assert(session->state == SESSION_LIVE && session->full);
	metrics.fallen_behind++;
	session->state = SESSION_REPLAYING;
	session->position = memory_copy(position);
	session->seen = seen_snapshots_new(0);
}

void
session_pause(Session *session)
{
	char *before;

	room_move(session, AUDIENCE_NONE);
	session->full = false;
	if (session->last == NULL)
		return;
	before = session->position;
	session->position = joined_position(session, session->last);
	free(before);
	note_last(session, NULL);
}

void
session_go_live(Session *session)
{
	assert(session->state == SESSION_REPLAYING);
	session->state = SESSION_LIVE;
	room_move(session, AUDIENCE_LIVE);
	note_last(session, NULL);
	seen_snapshots_free(session->seen);
	session->seen = NULL;
	free(session->position);
	session->position = NULL;
}

static void
drop_late(Session *session)
{
	while (session->late != NULL)
	{
		LateChange *change = session->late;

		session->late = change->next;
		free(change->room);
		free(change);
	}
}

void
session_leave(Session *session)
{
	if (session->state == SESSION_GONE)
		return;
	session->state = SESSION_GONE;
	timer_stop(&session->expiry);
	room_leave_all(session);
	drop_late(session);
	pending_acks_free(&session->pending_acks);
	unlink_from_user(session);
	metrics.sessions--;
	session_unref(session);
}

static void
keep_change(Session *session, const char *room, bool joins)
{
	LateChange **end = &session->late;
	LateChange *change = memory_new(sizeof(LateChange));

	change->room = memory_copy(room);
	change->joins = joins;
	while (*end != NULL)
		end = &(*end)->next;
	*end = change;
}

/* Who cannot be told of it now does not join now: the replay goes on from before that. */
static bool
can_be_told(Session *session, Event *event)
{
	char *position = joined_position(session, event);
	Frame *frame = event_frame_at(event, session->format, position);
	bool can = frame == NULL || has_room(session, event, frame);

	if (frame != NULL)
		frame_unref(frame);
	free(position);
	return can;
}

void
session_change_room(Session *session, Event *event, const char *room, bool joins)
{
	if (joins && session->state == SESSION_REPLAYING && !can_be_told(session, event))
		return;
	if (session->joining > 0)
		keep_change(session, room, joins);
	if (joins)
		room_join(session, room);
	else
		room_leave(session, room);
	if (session->state != SESSION_LIVE)
		note_last(session, event);
}

void
session_make_changes(Session *session)
{
	for (LateChange *change = session->late; change != NULL; change = change->next)
	{
		if (change->joins)
			room_join(session, change->room);
		else
			room_leave(session, change->room);
	}
	if (session->joining == 0)
		drop_late(session);
}

Session *
session_of_user(const char *id)
{
	User *user = find_user(id);

	return user ? user->sessions : NULL;
}

Session *
session_find(const char *user, const char *key)
{
	Session *session = session_of_user(user);

	while (session != NULL && strcmp(session->key, key) != 0)
		session = session->next_of_user;
	return session;
}

void
session_each(void (*visit)(Session *session, void *context), void *context)
{
	User *user;
	User *next_user;

	HASH_ITER(hh, users, user, next_user)
	{
		Session *session = user->sessions;

		while (session != NULL)
		{
			Session *next = session->next_of_user;

			visit(session, context);
			session = next;
		}
	}
}

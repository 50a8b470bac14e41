/*-------------------------------------------------------------------------
 *
 * session.c
 *	  One connected client, and the delivery of events to it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/session.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/position_round.h"

static void (*tell_stall)(Session *session);

Session *
session_new(char *user, char *key, char *position, char *claims)
{
	Session *session = memory_new(sizeof(Session));

	assert(user != NULL && key != NULL);
	session->references = 1;
	session->user = user;
	session->key = key;
	session->claims = claims;
	session->told_round = position_round_of_arrival(position != NULL);
	catchup_cursor_start(&session->cursor, position);
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
session_drop_left(Session *session)
{
	while (session->left != NULL)
	{
		LeftRoom *room = session->left;

		LL_DELETE(session->left, room);
		free(room);
	}
}

void
session_unref(Session *session)
{
	assert(session->references > 0);
	if (--session->references > 0)
		return;
	assert(session->state == SESSION_GONE && session->list == LIST_NONE && session->rooms.count == 0 &&
		   session->typing == NULL);
	free(session->user);
	free(session->key);
	free(session->claims);
	free(session->origin.address);
	free(session->asked);
	session_drop_left(session);
	catchup_cursor_end(&session->cursor);
	free(session);
}

void
session_renew(Session *session, char *claims, double issued)
{
	free(session->claims);
	session->claims = claims;
	session->issued = issued;
}

char *
session_issued_text(const Session *session)
{
	if (isinf(session->issued))
		return memory_copy("infinity");
	return isnan(session->issued) ? NULL : memory_format("%.6f", session->issued > 0 ? session->issued : 0);
}

bool
session_is_consistent(const Session *session)
{
	bool catches_up = session->state == SESSION_ARRIVING || session->state == SESSION_REPLAYING;
	SessionListKind list = session->list;

	switch (session->rooms.audience)
	{
		case AUDIENCE_NONE:
			return session->state == SESSION_GONE ||
				   (catches_up && list != LIST_READING_CACHE && list != LIST_FALLING_BEHIND);
		case AUDIENCE_LOG_REPLAY:
			return catches_up && (list == LIST_NONE || list == LIST_READING_LOG);
		case AUDIENCE_CACHE_REPLAY:
			return catches_up && (list == LIST_NONE || list == LIST_READING_CACHE);
		case AUDIENCE_LIVE:
			return session->state == SESSION_LIVE && (list == LIST_NONE || list == LIST_FALLING_BEHIND);
		default:
			return false;
	}
}

bool
session_awaits(const Session *session, const Event *event)
{
	if (event->except != NULL && strcmp(event->except, session->user) == 0)
		return false;
	return session->cursor.stall == STALL_NONE && !catchup_cursor_has_seen(&session->cursor, event);
}

/* Expects an acknowledgement of the event, which has just gone out with this position. */
static void
expect_ack(Session *session, Event *event, const char *position)
{
	Event *repetition;

	action_lane_expect_ack(&session->lane, event);
	if (!session->format->repeats_position)
		return;
	repetition = event_of_position(position);
	outbox_offer(session->outbox, event_frame(repetition, session->format));
	event_unref(repetition);
}

static void
send_frame(Session *session, Event *event, Frame *frame, const char *position)
{
	metrics.deliveries++;
	session->told_round = position_round();
	if (event->ephemeral)
		outbox_offer(session->outbox, frame);
	else if (event->id == NULL)
		outbox_push(session->outbox, frame);
	else
		outbox_append(session->outbox, frame);
	if (event->ack != NULL && session->format->wants_acks)
		expect_ack(session, event, position);
}

/* A derived event is in no log, from which it could come later: it needs no space, and is pushed like a response. */
static bool
has_space_or_stalls(Session *session, const Event *event, const Frame *frame)
{
	bool has_space = event->id == NULL || outbox_has_space(session->outbox, frame);

	if (!has_space)
		catchup_cursor_stall(&session->cursor, STALL_NO_SPACE);
	return has_space;
}

static void
deliver_replayed(Session *session, Event *event)
{
	char *position = catchup_cursor_position_after(&session->cursor, event);
	Frame *frame = event_frame_at(event, session->format, position);

	if (frame != NULL && has_space_or_stalls(session, event, frame))
	{
		catchup_cursor_advance(&session->cursor, event);
		send_frame(session, event, frame, position);
	}
	if (frame != NULL)
		frame_unref(frame);
	free(position);
}

static void
deliver_live(Session *session, Event *event)
{
	Frame *frame = event_frame(event, session->format);

	if (frame == NULL)
		return;
	if (event->ephemeral || has_space_or_stalls(session, event, frame))
	{
		send_frame(session, event, frame, event->position);
		return;
	}
	assert(tell_stall != NULL);
	tell_stall(session);
}

void
session_stall(Session *session)
{
	assert(session->state == SESSION_LIVE || session->state == SESSION_REPLAYING);
	if (session->cursor.stall != STALL_NONE)
		return;
	catchup_cursor_stall(&session->cursor, STALL_RECHECK);
	if (session->state == SESSION_LIVE)
		tell_stall(session);
}

/* The position is that of the session: a client of Socket.IO takes a text behind the payload for its offset. */
static void
send_left(Session *session, const char *room, const RoomRefusal *reason)
{
	Event *event = event_new();
	char *name = json_quoted(room);
	Frame *frame;

	assert(session->cursor.position != NULL);
	event->name = memory_copy("room:left");
	event->payload = memory_format("{\"room\":%s,\"reason\":\"%s\"}", name, reason->code);
	event->position = memory_copy(session->cursor.position);
	event->rooms = memory_new(sizeof(char *));
	event->rooms[event->room_count++] = memory_copy(room);
	frame = event_frame(event, session->format);
	if (frame != NULL)
		outbox_push(session->outbox, frame);
	event_unref(event);
	free(name);
}

void
session_tell_left(Session *session, const char *room, const RoomRefusal *reason)
{
	LeftRoom *left;

	if (session->state != SESSION_ARRIVING)
	{
		send_left(session, room, reason);
		return;
	}
	left = memory_new(sizeof(LeftRoom) + strlen(room) + 1);
	strcpy(left->name, room);
	left->reason = reason;
	LL_APPEND(session->left, left);
}

void
session_tell_all_left(Session *session)
{
	for (LeftRoom *room = session->left; room != NULL; room = room->next)
		send_left(session, room->name, room->reason);
	session_drop_left(session);
}

void
session_deliver(Session *session, Event *event)
{
	assert(session->state != SESSION_ARRIVING);
	if (!session_awaits(session, event))
		return;
	if (session->state == SESSION_REPLAYING)
		deliver_replayed(session, event);
	else
		deliver_live(session, event);
}

bool
session_has_space_for(Session *session, const Event *event)
{
	char *position = catchup_cursor_position_after(&session->cursor, event);
	Frame *frame = event_frame_at(event, session->format, position);
	bool has_space = frame == NULL || has_space_or_stalls(session, event, frame);

	if (frame != NULL)
		frame_unref(frame);
	free(position);
	return has_space;
}

void
session_on_stall(void (*tell)(Session *session))
{
	tell_stall = tell;
}

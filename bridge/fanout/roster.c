/*-------------------------------------------------------------------------
 *
 * roster.c
 *	  Holds all sessions, from their creation until they leave.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/roster.h"

#include <assert.h>
#include <string.h>

#include "base/metrics.h"
#include "fanout/position_round.h"
#include "fanout/room.h"
#include "fanout/user.h"

Session *
roster_add(char *user, char *key, char *position, char *claims)
{
	Session *session = session_new(user, key, position, claims);

	session->state = SESSION_ARRIVING;
	user_add_session(session);
	metrics.sessions++;
	assert(session_is_consistent(session));
	return session;
}

Session *
roster_new_guest(char *user, char *key, char *claims)
{
	Session *session = session_new(user, key, NULL, claims);

	session->guest = true;
	assert(session_is_consistent(session));
	return session;
}

void
roster_end_guest(Session *session)
{
	assert(session->guest && session->state == SESSION_ARRIVING && session->rooms.count == 0);
	session->state = SESSION_GONE;
	action_lane_end(&session->lane);
	session_unref(session);
}

void
roster_welcome(Session *session)
{
	if (session->state != SESSION_ARRIVING)
		return;
	assert(catchup_cursor_is_located(&session->cursor) && session->ops->welcome != NULL);
	session->state = SESSION_REPLAYING;
	session->ops->welcome(session);
	if (session->state != SESSION_GONE)
		session_tell_all_left(session);
}

void
roster_go_live(Session *session)
{
	assert(session->state == SESSION_REPLAYING && session->cursor.stall == STALL_NONE);
	session->state = SESSION_LIVE;
	catchup_cursor_finish(&session->cursor);
	room_move(session, AUDIENCE_LIVE);
}

void
roster_fall_behind(Session *session, const char *position)
{
	assert(session->state == SESSION_LIVE && position != NULL);
	if (session->cursor.stall == STALL_RECHECK)
		metrics.rechecked++;
	else
		metrics.fallen_behind++;
	session->state = SESSION_REPLAYING;
	catchup_cursor_fall_behind(&session->cursor, position);
	room_move(session, AUDIENCE_NONE);
}

void
roster_pause(Session *session)
{
	assert(session->state == SESSION_ARRIVING || session->state == SESSION_REPLAYING);
	room_move(session, AUDIENCE_NONE);
	catchup_cursor_resume(&session->cursor);
}

void
roster_tell_position(Session *session, Event *event)
{
	assert(event->payload == NULL && event->ephemeral);
	if (session->state != SESSION_LIVE || session->told_round == position_round())
		return;
	metrics.positions_told++;
	session_deliver(session, event);
}

void
roster_leave(Session *session)
{
	if (session->state == SESSION_GONE)
		return;
	session->state = SESSION_GONE;
	timer_stop(&session->expiry);
	room_leave_all(session);
	room_move(session, AUDIENCE_NONE);
	action_lane_end(&session->lane);
	user_remove_session(session);
	metrics.sessions--;
	session_unref(session);
}

Session *
roster_find(const char *user, const char *key)
{
	Session *session = user_sessions(user);

	while (session != NULL && strcmp(session->key, key) != 0)
		session = session->next_of_user;
	return session;
}

void
roster_each(void (*visit)(Session *session, void *context), void *context)
{
	user_each_session(visit, context);
}

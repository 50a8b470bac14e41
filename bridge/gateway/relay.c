/*-------------------------------------------------------------------------
 *
 * relay.c
 *	  Publishes the events of the reader to rooms.
 *
 * The reader hands on each event of the log, in order.  Live sessions get it at once;
 * the event cache keeps it for sessions that come back.  A live session that stalls
 * before the event falls behind (step 7 of the model in catchup/arrival.c).
 *
 * Two events are for bridges.  "session:disconnect" ends the sessions of a user that have begun before it.
 * "session:revoke" is a recheck of all sessions of a user: the database refuses those with an old token.  Sessions
 * by a cookie end, because the application must be asked again.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/relay.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "catchup/arrival.h"
#include "catchup/event_cache.h"
#include "catchup/pause.h"
#include "fanout/delivery_time.h"
#include "fanout/recent_rechecks.h"
#include "fanout/room.h"
#include "fanout/roster.h"
#include "fanout/session_list.h"
#include "fanout/user.h"
#include "fanout/user_work.h"
#include "gateway/cookie_auth.h"
#include "gateway/typing_guard.h"
#include "source/reader.h"

static SessionList falling_behind = { .kind = LIST_FALLING_BEHIND };

/* The publication goes on: the session's audience must not change before its end. */
static void
relay_on_stall(Session *session)
{
	session_list_append(&falling_behind, session_ref(session));
}

/* Has the sessions that fell behind replayed to, from the reader's position, which is still before the event. */
static void
pause_fallen_behind(void)
{
	Session *session;

	while ((session = session_list_take(&falling_behind)) != NULL)
	{
		roster_fall_behind(session, reader_position());
		pause_stalled(session);
	}
}

/* A session begins when the database first puts it into its rooms. */
static bool
began_before(const Session *session, const Event *event)
{
	return session->state != SESSION_ARRIVING || (catchup_cursor_is_located(&session->cursor) &&
												  !catchup_cursor_has_considered(&session->cursor, event->xid));
}

static void
end_session(Session *session, const Event *event, const char *reason)
{
	if (reason == NULL && isinf(session->issued))
		session->ops->dismiss(session, "token_revoked", "the session has been revoked", 0);
	else if (reason != NULL && began_before(session, event))
		session->ops->dismiss(session, "disconnected", reason, 0);
}

/* Ends the sessions of a user for a reason of the application; without one, those that have begun by a cookie. */
static void
end_sessions(const Event *event)
{
	json_t *order = json_read(event->payload);
	const char *user = json_member(order, "userId");
	Session *session = user_sessions(user);

	cookie_auth_forget(user);
	while (session != NULL)
	{
		Session *next = session->next_of_user;

		end_session(session, event, json_member(order, "reason"));
		session = next;
	}
	json_decref(order);
}

/* Is this an order for bridges?  No rule of the application and no caller of herald.publish() makes one. */
static bool
is_order(const Event *event)
{
	return event->room_count == 0 && strncmp(event->name, "session:", 8) == 0;
}

/* Publishes to the live sessions; the deliveries count as work of the user who has caused the event. */
static void
publish_live(Event *event)
{
	int64_t before = metrics.deliveries;

	room_publish(AUDIENCE_LIVE, event);
	user_work_published(event, (uint64_t) (metrics.deliveries - before));
	if (event->logged_at > 0 && metrics.deliveries > before)
		delivery_time_begin(event->logged_at);
}

/* After the publication the outboxes hold the event's frames; the cache need not. */
static void
relay_on_event(Event *event)
{
	assert(event->position != NULL && falling_behind.count == 0);
	if (event->recheck != NULL)
		recent_rechecks_add(event->recheck);
	if (is_order(event))
		end_sessions(event);
	publish_live(event);
	pause_fallen_behind();
	event_drop_frames(event);
	event_cache_add(event);
}

static void
relay_on_signal(Event *event)
{
	assert(event->ephemeral);
	metrics.signals++;
	publish_live(event);
	typing_guard_see(event);
}

static void
dismiss_for_resync(Session *session, void *reason)
{
	if (session->state != SESSION_ARRIVING || isinf(session->issued))
		session->ops->dismiss(session, "resync", reason, 0);
}

/* The reader has lost its position: welcomed clients come back with their own, so that the database judges it. */
static void
relay_on_resync(const char *reason)
{
	recent_rechecks_forget();
	cookie_auth_forget_all();
	event_cache_clear();
	roster_each(dismiss_for_resync, (void *) reason);
}

static void
forget_answers(Session *session, void *context)
{
	(void) context;
	room_forget_answers(session);
}

/* A session may get an event from just before it joined a room, but misses none. */
static void
relay_on_restart(void)
{
	roster_each(forget_answers, NULL);
}

void
relay_start(const Config *config)
{
	static const ReaderEvents events = { relay_on_event, relay_on_signal, arrival_reader_reached, relay_on_resync,
										 relay_on_restart };

	session_on_stall(relay_on_stall);
	typing_guard_start(relay_publish);
	reader_start(config, &events);
}

void
relay_stop(void)
{
	reader_stop();
	typing_guard_stop();
}

void
relay_recheck(Session *session)
{
	session_stall(session);
	pause_fallen_behind();
}

void
relay_publish(Event *event)
{
	assert(event->id == NULL && event->position == NULL);
	if (reader_position() == NULL)
		return;
	event->ephemeral = true;
	event->xid = UINT64_MAX;
	event->position = memory_copy(reader_position());
	room_publish(AUDIENCE_LIVE, event);
}

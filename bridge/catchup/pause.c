/*-------------------------------------------------------------------------
 *
 * pause.c
 *	  Holds stalled sessions until they can go on.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "catchup/pause.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"
#include "fanout/roster.h"
#include "fanout/session_list.h"

/* A session with an empty outbox goes on after this time. */
#define PAUSE_MS 50

/* The sessions that wait for one outbox: those of its connection. */
typedef struct Waiter
{
	SessionList sessions;
	struct Waiter *next;
	struct Waiter *prev;
} Waiter;

static struct
{
	void (*go_on)(Session *session);
	Waiter *waiters;
	SessionList short_pauses; /* until the timer ends */
	Timer timer;
} pauses = { .short_pauses = { .kind = LIST_AWAITING_RETRY } };

static void
await_outbox(Session *session)
{
	Waiter *waiter = session->outbox->waiter;

	if (waiter == NULL)
	{
		waiter = memory_new(sizeof(Waiter));
		waiter->sessions.kind = LIST_AWAITING_RETRY;
		DL_APPEND(pauses.waiters, waiter);
		outbox_await_empty(session->outbox, waiter);
	}
	session_list_append(&waiter->sessions, session);
}

/* Has the sessions go on whose outbox is empty. */
static void
end_pause(SessionList sessions)
{
	Session *session;

	while ((session = session_list_take(&sessions)) != NULL)
	{
		if (session->state == SESSION_GONE)
			session_unref(session);
		else if (session->outbox->count > 0)
			await_outbox(session);
		else
			pauses.go_on(session);
	}
}

static SessionList
take_sessions(Waiter *waiter)
{
	SessionList sessions = waiter->sessions;

	DL_DELETE(pauses.waiters, waiter);
	free(waiter);
	return sessions;
}

static void
pause_on_empty(void *waiter)
{
	end_pause(take_sessions(waiter));
}

static void
pause_on_time(void *context)
{
	(void) context;
	end_pause(session_list_take_all(&pauses.short_pauses));
}

static void
pause_shortly(Session *session)
{
	session_list_append(&pauses.short_pauses, session);
	if (!timer_is_running(&pauses.timer))
		timer_start(&pauses.timer, PAUSE_MS, pause_on_time, NULL);
}

static void
pause_session(Session *session, bool goes_on)
{
	if (session->state == SESSION_GONE)
	{
		session_unref(session);
		return;
	}
	roster_pause(session);
	if (goes_on)
		pauses.go_on(session);
	else if (session->outbox->count > 0)
		await_outbox(session);
	else
		pause_shortly(session);
}

void
pause_stalled(Session *session)
{
	pause_session(session, session->cursor.stall == STALL_RECHECK);
}

void
pause_failed(Session *session)
{
	pause_session(session, false);
}

void
pause_start(void (*go_on)(Session *session))
{
	assert(go_on != NULL);
	pauses.go_on = go_on;
	outbox_on_empty(pause_on_empty);
}

static void
give_up(SessionList sessions)
{
	Session *session;

	while ((session = session_list_take(&sessions)) != NULL)
		session_unref(session);
}

/* The outboxes are gone by now. */
void
pause_stop(void)
{
	timer_stop(&pauses.timer);
	give_up(session_list_take_all(&pauses.short_pauses));
	while (pauses.waiters != NULL)
		give_up(take_sessions(pauses.waiters));
}

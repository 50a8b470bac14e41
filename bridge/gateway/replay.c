/*-------------------------------------------------------------------------
 *
 * replay.c
 *	  What a session missed, read from the log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/room.h"
#include "source/database.h"
#include "source/event_log.h"

/* How long to wait for a connection that has no room for more. */
#define PAUSE_MS 50

/* One session's replay, from page to page. */
typedef struct Replay
{
	Session *session; /* a reference */
	char *position;	  /* where to read on */
	char *until;
	char *rooms; /* an array, as SQL reads it */
	bool welcomed;
	bool more;		/* pages after this one */
	Event **events; /* of this page, each with a reference */
	int count;
	int sent;
	Timer pause;
	struct Replay *next; /* waiting for the database */
} Replay;

static const Config *config;
static Database *database;
static Replay *stranded; /* to be asked again when the database is back */

static void
drop_page(Replay *replay)
{
	for (int i = 0; i < replay->count; i++)
		event_release(replay->events[i]);
	free(replay->events);
	replay->events = NULL;
	replay->count = replay->sent = 0;
}

static void
end_replay(Replay *replay)
{
	timer_stop(&replay->pause);
	drop_page(replay);
	session_release(replay->session);
	free(replay->position);
	free(replay->until);
	free(replay->rooms);
	free(replay);
}

static void
welcome(Session *session, bool recovered)
{
	if (session->position != NULL && recovered)
		metrics.recovered++;
	else if (session->position != NULL)
		metrics.not_recovered++;
	session->voice->welcome(session, recovered);
}

static void read_page(Replay *replay);

/* Keeps the events of a page until they are sent. */
static void
take_page(Replay *replay, const Page *page)
{
	free(replay->position);
	replay->position = memory_copy(page->position);
	replay->more = page->more;
	replay->events = memory_new(sizeof(Event *) * (size_t) page->count);
	for (int i = 0; i < page->count; i++)
		replay->events[replay->count++] = event_hold(page->events[i]);
}

/* Sends as much of the page as the outbox takes; false: something is left. */
static bool
send_page(Replay *replay)
{
	Outbox *outbox = replay->session->outbox;

	for (; replay->sent < replay->count; replay->sent++)
	{
		Frame *frame = event_frame(replay->events[replay->sent], replay->session->format);

		if (frame == NULL)
			continue;
		if (!outbox_has_room(outbox, frame))
			outbox_flush(outbox);
		if (!outbox_has_room(outbox, frame))
			return false;
		metrics.deliveries++;
		outbox_push(outbox, frame);
	}
	drop_page(replay);
	return true;
}

/*
 * Replayed events go out past those that are held back, and no faster than the
 * client takes them: a long absence must not overflow its queue.  The held ones
 * follow when it has taken all.
 */
static void
go_on(void *context)
{
	Replay *replay = context;
	Session *session = replay->session;
	bool sent_all;

	if (session->state == SESSION_GONE)
	{
		end_replay(replay);
		return;
	}
	sent_all = send_page(replay);
	if (sent_all && replay->more)
		read_page(replay);
	else if (!sent_all || (session->held_count > 0 && session->outbox->count > 0))
	{
		outbox_flush(session->outbox);
		timer_start(&replay->pause, PAUSE_MS, go_on, replay);
	}
	else
	{
		session_go_live(session);
		end_replay(replay);
	}
}

/* What was missed cannot be had.  Who was told already that nothing is missing must come again. */
static void
give_up(Replay *replay, const char *reason)
{
	Session *session = replay->session;

	log_info("not_recovered", "user", session->user, "reason", reason);
	if (replay->welcomed)
		session->voice->dismiss(session, "resync", reason);
	else
		welcome(session, false);
}

static void
on_page(void *context, const Page *page)
{
	Replay *replay = context;

	if (replay->session->state == SESSION_GONE)
	{
		end_replay(replay);
		return;
	}
	if (page->outcome == PAGE_UNAVAILABLE && !database_is_connected(database))
	{
		replay->next = stranded;
		stranded = replay;
		return;
	}
	replay->more = false;
	if (page->outcome != PAGE_READ)
		give_up(replay, page->reason);
	else
	{
		if (!replay->welcomed)
			welcome(replay->session, true);
		take_page(replay, page);
	}
	replay->welcomed = true;
	go_on(replay);
}

static void
read_page(Replay *replay)
{
	event_log_read(database, replay->position, replay->until, replay->rooms, config->page_size, on_page, replay);
}

static char *
rooms_of(const Session *session)
{
	const char **names = memory_new(sizeof(char *) * (size_t) (session->room_count + 1));
	char *array;

	for (int i = 0; i < session->room_count; i++)
		names[i] = room_name(session, i);
	names[session->room_count] = "*";
	array = database_text_array(names, session->room_count + 1);
	free(names);
	return array;
}

void
replay_begin(Session *session, const char *until)
{
	Replay *replay;

	session->since = memory_copy(until);
	if (session->position == NULL)
	{
		welcome(session, false);
		session_go_live(session);
		return;
	}
	replay = memory_new(sizeof(Replay));
	replay->session = session_hold(session);
	replay->position = memory_copy(session->position);
	replay->until = memory_copy(until);
	replay->rooms = rooms_of(session);
	read_page(replay);
}

static void
on_connected(void *context)
{
	Replay *waiting = stranded;

	(void) context;
	stranded = NULL;
	while (waiting != NULL)
	{
		Replay *replay = waiting;

		waiting = replay->next;
		read_page(replay);
	}
}

static void
on_lost(void *context)
{
	(void) context;
}

void
replay_start(const Config *settings)
{
	static const DatabaseEvents events = { on_connected, on_lost, NULL };

	config = settings;
	database = database_open("replay", config->database, &events, NULL);
}

void
replay_stop(void)
{
	database_close(database);
	while (stranded != NULL)
	{
		Replay *replay = stranded;

		stranded = replay->next;
		end_replay(replay);
	}
}

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

/* One session's replay, from page to page. */
typedef struct Replay
{
	Session *session; /* a reference */
	char *position;
	char *until;
	char *rooms; /* an array, as SQL reads it */
	bool welcomed;
	struct Replay *next; /* waiting for the database */
} Replay;

static const Config *config;
static Database *database;
static Replay *stranded; /* to be asked again when the database is back */

static void
end_replay(Replay *replay)
{
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

/* Replayed events go out past the held ones: the session is told directly. */
static void
send_page(Replay *replay, const Page *page)
{
	Session *session = replay->session;

	for (int i = 0; i < page->count; i++)
	{
		if (!session->format->wants(page->events[i]))
			continue;
		metrics.deliveries++;
		outbox_push(session->outbox, event_frame(page->events[i], session->format));
	}
}

static void
on_page(void *context, const Page *page)
{
	Replay *replay = context;
	Session *session = replay->session;

	if (session->state == SESSION_GONE)
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
	if (!replay->welcomed)
		welcome(session, page->outcome == PAGE_READ);
	replay->welcomed = true;
	if (page->outcome == PAGE_READ)
		send_page(replay, page);
	else
		log_info("not_recovered", "user", session->user, "reason", page->reason);
	if (page->outcome == PAGE_READ && page->more && session->state != SESSION_GONE)
	{
		free(replay->position);
		replay->position = memory_copy(page->position);
		read_page(replay);
		return;
	}
	if (session->state != SESSION_GONE)
		session_go_live(session);
	end_replay(replay);
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

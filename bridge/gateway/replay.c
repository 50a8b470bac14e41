/*-------------------------------------------------------------------------
 *
 * replay.c
 *	  What sessions missed, from memory or from the log.
 *
 * A replay is the delivery of the same events once more, in a hall where only
 * those are who wait for them; each takes what is news to it.  Recent events are
 * in memory.  For all who come from before them the log is read once, from the
 * earliest of their positions up to what is in memory.
 *
 * A connection that takes no more is not waited for: its session asks for its
 * place again, from the position that it has reached, when its queue is empty.
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
#include "fanout/recent.h"
#include "fanout/room.h"
#include "source/database.h"
#include "source/event_log.h"
#include "source/text_array.h"

/* When those ask again whose reading failed. */
#define PAUSE_MS 50

static const Config *config;
static Database *database;
static void (*ask_again)(Session *session);
static SessionList missing; /* what they missed is not in memory; they share the next reading of the log */
static SessionList reading; /* what is read now is for them */
static char *place;			/* where to read on */
static uint64_t until;		/* the stretch of recent events up to which the log is read */
static bool halted;			/* the reading waits for there to be any */
static SessionList paused;	/* their connections took no more, or their reading failed */
static Timer pause_timer;

static void read_for_missing(void);
static void read_page(void);

static void
publish_recent(Event *event)
{
	room_publish(HALL_RECENT, event);
}

static void
publish_recent_to_readers(Event *event)
{
	room_publish(HALL_LOG, event);
}

static void
welcome(Session *session)
{
	if (session->state != SESSION_ARRIVING)
		return;
	session->state = SESSION_REPLAYING;
	session->voice->welcome(session);
}

/* Who has nothing waiting any more asks for its place again. */
static void
look_at_paused(void)
{
	SessionList again = paused;
	Session *session;

	paused = (SessionList){ 0 };
	while ((session = session_list_take(&again)) != NULL)
	{
		if (session->state == SESSION_GONE)
			session_release(session);
		else if (session->outbox->count > 0)
			session_list_append(&paused, session);
		else
			ask_again(session);
	}
}

static void
on_pause_over(void *context)
{
	(void) context;
	look_at_paused();
}

void
replay_later(Session *session)
{
	if (session->state == SESSION_GONE)
	{
		session_release(session);
		return;
	}
	session_pause(session);
	session_list_append(&paused, session);
	if (session->outbox->count > 0)
		outbox_await_empty(session->outbox);
	else if (!timer_is_running(&pause_timer))
		timer_start(&pause_timer, PAUSE_MS, on_pause_over, NULL);
}

/* Takes those out of the list who have gone or take no more; all: who is left has got everything. */
static void
sort_out(SessionList *list, bool all)
{
	SessionList sorted = { 0 };
	Session *session;

	while ((session = session_list_take(list)) != NULL)
	{
		if (session->state == SESSION_GONE)
			session_release(session);
		else if (session->full)
			replay_later(session);
		else if (!all)
			session_list_append(&sorted, session);
		else
		{
			session_go_live(session);
			session_release(session);
		}
	}
	*list = sorted;
}

void
replay_begin(SessionList *arrived)
{
	SessionList served = { 0 };
	uint64_t from = UINT64_MAX;
	Session *session;

	while ((session = session_list_take(arrived)) != NULL)
	{
		if (session->state == SESSION_GONE)
			session_release(session);
		else if (recent_position(session->stretch) == NULL)
			session_list_append(&missing, session);
		else
		{
			from = session->stretch < from ? session->stretch : from;
			room_move(session, HALL_RECENT);
			welcome(session);
			session_list_append(&served, session);
		}
	}
	if (served.count > 0)
		recent_each(from, publish_recent);
	sort_out(&served, true);
	if (halted)
		read_page();
	read_for_missing();
}

static void
pause_all(SessionList *list)
{
	Session *session;

	while ((session = session_list_take(list)) != NULL)
		replay_later(session);
}

/* The reading failed: everybody asks again in a while, and hears then whether it can be had at all. */
static void
give_up(const char *reason)
{
	log_warning("replay_failed", "reason", reason);
	pause_all(&reading);
}

static void
move_to(const char *position)
{
	free(place);
	place = memory_copy(position);
}

/* What was read reaches up to what is in memory; should that have been forgotten meanwhile, there is more to read. */
static void
finish_reading(void)
{
	if (recent_position(until) == NULL)
	{
		read_page();
		return;
	}
	recent_back_end();
	recent_each(until, publish_recent_to_readers);
	sort_out(&reading, true);
	read_for_missing();
}

static void
on_page(void *context, const Page *page)
{
	(void) context;
	if (page->outcome != PAGE_READ)
	{
		give_up(page->reason);
		return;
	}
	for (Session *session = reading.first; session != NULL; session = session->next_in_list)
		welcome(session);
	for (int i = 0; i < page->count; i++)
	{
		room_publish(HALL_LOG, page->events[i]);
		recent_back_add(page->events[i]);
	}
	sort_out(&reading, false);
	move_to(page->position);
	if (reading.count == 0)
		read_for_missing();
	else if (page->more)
		read_page();
	else
		finish_reading();
}

/* While nothing is in memory, in the middle of a window that is larger than that, it waits for the reader. */
static void
read_page(void)
{
	if (recent_position(until) == NULL)
		until = recent_first();
	halted = recent_position(until) == NULL;
	if (!halted)
		event_log_read(database, place, recent_position(until), config, on_page, NULL);
}

static void
on_earliest(void *context, const PGresult *result)
{
	(void) context;
	if (result == NULL || PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0)
	{
		give_up(result ? PQresultErrorMessage(result) : "no connection to the database");
		return;
	}
	move_to(PQgetvalue(result, 0, 0));
	recent_back_begin(PQgetvalue(result, 0, 1)[0] == 'f' ? place : NULL);
	read_page();
}

/* One reading for all who wait; who comes while it goes on shares the next one. */
static void
read_for_missing(void)
{
	const char **positions;
	char *array;
	int count = 0;

	if (reading.count > 0 || missing.count == 0 || !database_is_connected(database))
		return;
	reading = missing;
	missing = (SessionList){ 0 };
	positions = memory_new(sizeof(char *) * (size_t) (reading.count + 1));
	for (Session *session = reading.first; session != NULL; session = session->next_in_list)
	{
		positions[count++] = session->position;
		room_move(session, HALL_LOG);
	}
	until = recent_first();
	positions[count++] = recent_position(until); /* which may be older by now than when they were found missing */
	array = text_array_write(positions, count);
	metrics.log_readings++;
	database_query(database, "SELECT \"position\", in_window FROM herald.earliest($1)", 1, (const char *const *) &array, on_earliest, NULL);
	free(array);
	free(positions);
}

static void
on_connected(void *context)
{
	(void) context;
	read_for_missing();
}

/* Should the server come back from a crash, what it said of transactions is not true any more. */
static void
on_lost(void *context)
{
	(void) context;
	halted = false;
	pause_all(&reading);
	pause_all(&missing);
}

void
replay_start(const Config *settings, void (*again)(Session *session))
{
	static const DatabaseEvents events = { on_connected, on_lost, NULL };

	config = settings;
	ask_again = again;
	outbox_on_empty(look_at_paused);
	database = database_open("replay", config->database, config->database_timeout, &events, NULL);
}

void
replay_stop(void)
{
	SessionList *lists[] = { &missing, &reading, &paused };
	Session *session;

	database_close(database);
	timer_stop(&pause_timer);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
	{
		while ((session = session_list_take(lists[i])) != NULL)
			session_release(session);
	}
	free(place);
	place = NULL;
}

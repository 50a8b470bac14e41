/*-------------------------------------------------------------------------
 *
 * replay.c
 *	  What sessions missed, from memory or from the log.
 *
 * A replay is the delivery of the same events once more, in a audience where only
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
#include "catchup/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "catchup/event_cache.h"
#include "fanout/room.h"
#include "source/database.h"
#include "source/event_log.h"
#include "source/text_array.h"

/* When those ask again whose reading failed. */
#define PAUSE_MS 50

/* What is read, and for whom. */
typedef struct Reading
{
	SessionList sessions;
	char *place;		   /* where to read on */
	uint64_t until;		   /* the segment of recent events up to which the log is read */
	int64_t left;		   /* about so many events */
	struct Reading *below; /* waits for this one */
} Reading;

static const Config *config;
static Database *database;
static void (*ask_again)(Session *session);
static SessionList missing; /* what they missed is not in memory, and is not read yet */
static Reading *reading;	/* the one that goes on */
static bool halted;			/* it waits for there to be recent events */
static SessionList paused;	/* their connections took no more, or their reading failed */
static Timer pause_timer;

static void go_on(void);
static void read_page(void);

static void
publish_cached(Event *event)
{
	room_publish(AUDIENCE_CACHE_REPLAY, event);
}

static void
publish_cached_to_readers(Event *event)
{
	room_publish(AUDIENCE_LOG_REPLAY, event);
}

static void
welcome(Session *session)
{
	if (session->state != SESSION_ARRIVING)
		return;
	session->state = SESSION_REPLAYING;
	session->ops->welcome(session);
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
			session_unref(session);
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
		session_unref(session);
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
			session_unref(session);
		else if (session->full)
			replay_later(session);
		else if (!all)
			session_list_append(&sorted, session);
		else
		{
			session_go_live(session);
			session_unref(session);
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
			session_unref(session);
		else if (event_cache_position(session->segment) == NULL)
			session_list_append(&missing, session);
		else
		{
			from = session->segment < from ? session->segment : from;
			room_move(session, AUDIENCE_CACHE_REPLAY);
			welcome(session);
			session_list_append(&served, session);
		}
	}
	if (served.count > 0)
		event_cache_each(from, publish_cached);
	sort_out(&served, true);
	if (halted)
		read_page();
	if (reading == NULL)
		go_on();
}

static void
pause_all(SessionList *list)
{
	Session *session;

	while ((session = session_list_take(list)) != NULL)
		replay_later(session);
}

static void
move_all(const SessionList *list, Audience audience)
{
	for (Session *session = list->first; session != NULL; session = session->next_in_list)
		room_move(session, audience);
}

static void
free_reading(void)
{
	Reading *ended = reading;

	reading = ended->below;
	free(ended->place);
	free(ended);
	halted = false;
}

/* The reading below goes on, with a page at least.  What has been collected is not of its events. */
static void
end_reading(void)
{
	free_reading();
	event_cache_prepend_begin(NULL);
	if (reading == NULL)
	{
		go_on();
		return;
	}
	move_all(&reading->sessions, AUDIENCE_LOG_REPLAY);
	read_page();
}

/* The reading failed: everybody asks again in a while, and hears then whether it can be had at all. */
static void
give_up(const char *reason)
{
	log_warning("replay_failed", "reason", reason);
	pause_all(&reading->sessions);
	end_reading();
}

static void
move_to(const char *position)
{
	free(reading->place);
	reading->place = memory_copy(position);
}

/* What was read reaches up to what is in memory; should that have been forgotten meanwhile, there is more to read. */
static void
finish_reading(void)
{
	if (event_cache_position(reading->until) == NULL)
	{
		read_page();
		return;
	}
	event_cache_prepend_end();
	event_cache_each(reading->until, publish_cached_to_readers);
	sort_out(&reading->sessions, true);
	end_reading();
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
	for (Session *session = reading->sessions.first; session != NULL; session = session->next_in_list)
		welcome(session);
	for (int i = 0; i < page->count; i++)
	{
		room_publish(AUDIENCE_LOG_REPLAY, page->events[i]);
		event_cache_prepend_add(page->events[i]);
	}
	sort_out(&reading->sessions, false);
	move_to(page->position);
	reading->left = page->behind;
	if (reading->sessions.count == 0)
		end_reading();
	else if (page->more)
		go_on();
	else
		finish_reading();
}

/* While nothing is in memory, in the middle of a window that is larger than that, it waits for the reader. */
static void
read_page(void)
{
	if (event_cache_position(reading->until) == NULL)
		reading->until = event_cache_first_segment();
	halted = event_cache_position(reading->until) == NULL;
	if (!halted)
		event_log_read(database, reading->place, event_cache_position(reading->until), config, on_page, NULL);
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
	event_cache_prepend_begin(PQgetvalue(result, 0, 1)[0] == 'f' ? reading->place : NULL);
	read_page();
}

/* One reading for all of these, from the earliest of their positions. */
static void
find_earliest(void)
{
	const char **positions = memory_new(sizeof(char *) * (size_t) (reading->sessions.count + 1));
	int count = 0;
	char *array;

	for (Session *session = reading->sessions.first; session != NULL; session = session->next_in_list)
		positions[count++] = session->position;
	reading->until = event_cache_first_segment();
	/* Which may be older by now than when they were found missing. */
	positions[count++] = event_cache_position(reading->until);
	array = text_array_write(positions, count);
	metrics.log_readings++;
	database_query(database, "SELECT \"position\", in_window FROM herald_internal.earliest($1)", 1,
				   (const char *const *) &array, on_earliest, NULL);
	free(array);
	free(positions);
}

/* What is less than a page is as good as one. */
static int64_t
distance(const Session *session)
{
	return session->behind > config->page_size ? session->behind : config->page_size;
}

static bool
are_alike(const Session *a, const Session *b)
{
	return distance(a) <= 2 * distance(b) && distance(b) <= 2 * distance(a);
}

/* The first who misses no more than this, and all who miss about as much. */
static SessionList
take_missing(int64_t most)
{
	SessionList all = missing;
	SessionList taken = { 0 };
	Session *session;

	missing = (SessionList){ 0 };
	while ((session = session_list_take(&all)) != NULL)
	{
		bool goes = taken.first ? are_alike(session, taken.first) : distance(session) <= most;

		session_list_append(goes ? &taken : &missing, session);
	}
	return taken;
}

/* Reads on, or first for those who miss much less; who comes while that goes on shares the next reading. */
static void
go_on(void)
{
	SessionList nearer = { 0 };
	Reading *next;

	if (database_is_connected(database))
		nearer = take_missing(reading ? reading->left / 2 : INT64_MAX);
	if (nearer.count == 0 && reading != NULL)
		read_page();
	if (nearer.count == 0)
		return;
	if (reading != NULL)
		move_all(&reading->sessions, AUDIENCE_NONE);
	next = memory_new(sizeof(Reading));
	next->sessions = nearer;
	next->below = reading;
	reading = next;
	move_all(&reading->sessions, AUDIENCE_LOG_REPLAY);
	find_earliest();
}

static void
on_connected(void *context)
{
	(void) context;
	if (reading == NULL)
		go_on();
}

/* Should the server come back from a crash, what it said of transactions is not true any more. */
static void
on_lost(void *context)
{
	(void) context;
	while (reading != NULL)
	{
		pause_all(&reading->sessions);
		free_reading();
	}
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
	database_close(database);
	on_lost(NULL);
	timer_stop(&pause_timer);
	for (Session *session; (session = session_list_take(&paused)) != NULL;)
		session_unref(session);
}

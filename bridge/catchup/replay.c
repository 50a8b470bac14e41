/*-------------------------------------------------------------------------
 *
 * replay.c
 *	  Delivers the events that sessions missed, from the event cache or from the log.
 *
 * A replay publishes events once more, to an audience of none but the sessions that
 * wait for them.  Each session takes the events that it has not seen.
 *
 * Readings of the log form a stack.  The bridge reads pages for the reading on top; the
 * sessions of the others are in no audience meanwhile.  A new reading goes on top if its
 * first session misses at most half as many events as the present reading has left.  So the
 * database reads one page at a time, and a short absence never waits for a long one.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "catchup/replay.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "catchup/event_cache.h"
#include "catchup/pause.h"
#include "fanout/position_round.h"
#include "fanout/room.h"
#include "fanout/roster.h"
#include "source/database.h"
#include "source/event_log.h"
#include "source/reader.h"
#include "source/text_array.h"

/* One reading of the log, from the earliest position of its sessions up to the event cache. */
typedef struct Reading
{
	SessionList sessions;
	char *position;		   /* where to read on; NULL: it is being looked up */
	uint64_t until;		   /* the segment of the event cache at which the reading ends */
	int64_t events_left;   /* about so many */
	struct Reading *below; /* goes on when this one has ended */
} Reading;

static struct
{
	const Config *config; /* page-size may change while the bridge runs */
	Database *database;
	SessionList awaiting_log;
	Reading *reading;  /* the top of the stack; NULL: nothing is read */
	bool awaits_cache; /* the reading waits until the event cache has a segment */
} replays = { .awaiting_log = { .kind = LIST_AWAITING_LOG } };

static void continue_reading(void);
static void read_page(void);

static void
publish_to_cache_readers(Event *event)
{
	room_publish(AUDIENCE_CACHE_REPLAY, event);
}

static void
publish_to_log_readers(Event *event)
{
	room_publish(AUDIENCE_LOG_REPLAY, event);
}

/* Takes the sessions that have left or stalled out of a list. */
static void
sort_out(SessionList *list)
{
	SessionList sessions = session_list_take_all(list);
	Session *session;

	while ((session = session_list_take(&sessions)) != NULL)
	{
		if (session->state == SESSION_GONE)
			session_unref(session);
		else if (session->cursor.stall != STALL_NONE)
			pause_stalled(session);
		else
			session_list_append(list, session);
	}
}

/*
 * Ends a replay: makes the sessions live that have neither left nor stalled.  A client that has missed only events of
 * others is told how far it has come, because it came back with a position that may be almost too old.
 */
static void
go_live(SessionList *list)
{
	Event *position;
	Session *session;

	sort_out(list);
	if (list->count == 0)
		return;
	position = event_of_position(reader_position());
	while ((session = session_list_take(list)) != NULL)
	{
		bool is_behind = session->cursor.recovered && session->cursor.lag_events > 0;

		roster_go_live(session);
		if (is_behind && session->told_round == POSITION_UNTOLD)
			roster_tell_position(session, position);
		session_unref(session);
	}
	event_unref(position);
}

void
replay_begin(SessionList *arrived)
{
	SessionList served = { .kind = LIST_READING_CACHE };
	uint64_t from = UINT64_MAX;
	Session *session;

	while ((session = session_list_take(arrived)) != NULL)
	{
		if (session->state == SESSION_GONE)
			session_unref(session);
		else if (event_cache_position(session->cursor.segment) == NULL)
			session_list_append(&replays.awaiting_log, session);
		else
		{
			from = session->cursor.segment < from ? session->cursor.segment : from;
			room_move(session, AUDIENCE_CACHE_REPLAY);
			roster_welcome(session);
			session_list_append(&served, session);
		}
	}
	if (served.count > 0)
		event_cache_each(from, publish_to_cache_readers);
	go_live(&served);
	if (replays.awaits_cache)
		read_page();
	if (replays.reading == NULL)
		continue_reading();
}

static void
pause_all(SessionList *list)
{
	Session *session;

	while ((session = session_list_take(list)) != NULL)
		pause_failed(session);
}

static void
move_all(const SessionList *list, Audience audience)
{
	for (Session *session = list->first; session != NULL; session = session->next_in_list)
	{
		if (session->state != SESSION_GONE)
			room_move(session, audience);
	}
}

static void
pop_reading(void)
{
	Reading *ended = replays.reading;

	assert(ended->sessions.count == 0);
	replays.reading = ended->below;
	free(ended->position);
	free(ended);
	replays.awaits_cache = false;
}

/* Goes on with the reading below, by a page at least.  Drops the events that were collected for the cache. */
static void
end_reading(void)
{
	pop_reading();
	event_cache_prepend_begin(NULL);
	if (replays.reading == NULL)
	{
		continue_reading();
		return;
	}
	move_all(&replays.reading->sessions, AUDIENCE_LOG_REPLAY);
	read_page();
}

/* After a failed reading, the sessions are located again: the answer says whether the log still has the events. */
static void
fail_reading(const char *reason)
{
	log_warning("replay_failed", "reason", reason);
	pause_all(&replays.reading->sessions);
	end_reading();
}

static void
set_reading_position(const char *position)
{
	free(replays.reading->position);
	replays.reading->position = memory_copy(position);
}

/* The log has been read up to a segment of the cache.  If that was forgotten meanwhile, there is more to read. */
static void
finish_reading(void)
{
	if (event_cache_position(replays.reading->until) == NULL)
	{
		read_page();
		return;
	}
	event_cache_prepend_end();
	event_cache_each(replays.reading->until, publish_to_log_readers);
	go_live(&replays.reading->sessions);
	end_reading();
}

static void
publish_page(const Page *page)
{
	for (Session *session = replays.reading->sessions.first; session != NULL; session = session->next_in_list)
		roster_welcome(session);
	for (int i = 0; i < page->count; i++)
	{
		publish_to_log_readers(page->events[i]);
		event_cache_prepend_add(page->events[i]);
	}
	sort_out(&replays.reading->sessions);
}

static void
replay_on_page(void *context, const Page *page)
{
	(void) context;
	assert(replays.reading != NULL);
	if (page->outcome != PAGE_READ)
	{
		fail_reading(page->reason);
		return;
	}
	publish_page(page);
	set_reading_position(page->position);
	replays.reading->events_left = page->lag_events;
	if (replays.reading->sessions.count == 0)
		end_reading();
	else if (page->more)
		continue_reading();
	else
		finish_reading();
}

/* A window larger than the event cache leaves the cache empty: the reading waits for the window's end. */
static void
read_page(void)
{
	Reading *reading = replays.reading;

	if (event_cache_position(reading->until) == NULL)
		reading->until = event_cache_first_segment();
	replays.awaits_cache = event_cache_position(reading->until) == NULL;
	if (!replays.awaits_cache)
		event_log_read(replays.database, reading->position, event_cache_position(reading->until), false, replays.config,
					   replay_on_page, NULL);
}

static void
replay_on_earliest(void *context, const PGresult *result)
{
	(void) context;
	assert(replays.reading != NULL);
	if (result == NULL || PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0)
	{
		fail_reading(result ? PQresultErrorMessage(result) : "no connection to the database");
		return;
	}
	set_reading_position(PQgetvalue(result, 0, 0));
	event_cache_prepend_begin(PQgetvalue(result, 0, 1)[0] == 'f' ? replays.reading->position : NULL);
	read_page();
}

/* Begins a reading at the earliest position: of its sessions or of the cache, which may be older by now. */
static void
find_earliest(void)
{
	Reading *reading = replays.reading;
	const char **positions = memory_new(sizeof(char *) * (size_t) (reading->sessions.count + 1));
	int count = 0;
	char *array;

	for (Session *session = reading->sessions.first; session != NULL; session = session->next_in_list)
		positions[count++] = session->cursor.position;
	reading->until = event_cache_first_segment();
	positions[count++] = event_cache_position(reading->until);
	array = text_array_write(positions, count);
	metrics.log_readings++;
	database_query(replays.database, "SELECT \"position\", in_window FROM herald_internal.earliest($1)", 1,
				   (const char *const *) &array, replay_on_earliest, NULL);
	free(array);
	free(positions);
}

/* Returns how many events a session misses; fewer than a page count as a page. */
static int64_t
missed_events(const Session *session)
{
	int64_t page = replays.config->page_size;

	return session->cursor.lag_events > page ? session->cursor.lag_events : page;
}

static bool
are_alike(const Session *a, const Session *b)
{
	return missed_events(a) <= 2 * missed_events(b) && missed_events(b) <= 2 * missed_events(a);
}

/* Takes out the first session that misses at most so many events, and all that miss about as many as it. */
static SessionList
take_alike(int64_t most)
{
	SessionList all = session_list_take_all(&replays.awaiting_log);
	SessionList taken = { .kind = LIST_READING_LOG };
	Session *session;

	while ((session = session_list_take(&all)) != NULL)
	{
		bool goes = taken.first ? are_alike(session, taken.first) : missed_events(session) <= most;

		session_list_append(goes ? &taken : &replays.awaiting_log, session);
	}
	return taken;
}

static void
push_reading(SessionList sessions)
{
	Reading *reading = memory_new(sizeof(Reading));

	if (replays.reading != NULL)
		move_all(&replays.reading->sessions, AUDIENCE_NONE);
	reading->sessions = sessions;
	reading->below = replays.reading;
	replays.reading = reading;
	move_all(&reading->sessions, AUDIENCE_LOG_REPLAY);
	find_earliest();
}

/* Begins a reading for sessions that miss much less than the present reading has left, or reads its next page. */
static void
continue_reading(void)
{
	SessionList closer = { .kind = LIST_READING_LOG };

	if (database_is_connected(replays.database))
		closer = take_alike(replays.reading ? replays.reading->events_left / 2 : INT64_MAX);
	if (closer.count > 0)
		push_reading(closer);
	else if (replays.reading != NULL)
		read_page();
}

static void
replay_on_connected(void *context)
{
	(void) context;
	if (replays.reading == NULL)
		continue_reading();
}

/* A crashed server may give the transaction ids that the snapshots see to others: locates all sessions again. */
static void
replay_on_lost(void *context)
{
	(void) context;
	while (replays.reading != NULL)
	{
		pause_all(&replays.reading->sessions);
		pop_reading();
	}
	pause_all(&replays.awaiting_log);
}

void
replay_start(const Config *config)
{
	static const DatabaseEvents events = { replay_on_connected, replay_on_lost, NULL };

	replays.config = config;
	replays.database = database_open("replay", config->database, config->database_timeout, &events, NULL);
}

void
replay_stop(void)
{
	database_close(replays.database);
	replay_on_lost(NULL);
}

/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  Reads the log from its position, in order, and hands on what it finds.
 *
 * One query at a time: a ring while it runs means one more when it is done.  The
 * position moves only when its page has been handed on, so that a lost connection
 * means nothing but a delay: the same page is read again.  Without a ring the log
 * is looked at every poll-interval, in case one was lost.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "source/database.h"
#include "source/doorbell.h"
#include "source/event_log.h"
#include "source/signal.h"

#define MAINTENANCE_INTERVAL_MS 10000

static const Config *config;
static const ReaderEvents *listener;
static Database *database;
static Doorbell *doorbell;
static char *position; /* NULL before the first connection, and after it was lost */
static bool between_pages;
static uint64_t window;
static bool reading;
static bool rung;	   /* since the window began: what that is about may be in the next one */
static bool maintains; /* nobody else does: the extension is not preloaded */
static bool active;	   /* something was read since the last maintenance */
static Timer poll_timer;
static Timer maintenance_timer;

static void read_on(void);

static void
on_poll(void *context)
{
	(void) context;
	read_on();
}

static void
move_to(const char *text)
{
	free(position);
	position = memory_copy(text);
}

static void
on_hello(void *context, const PGresult *result)
{
	(void) context;
	reading = false;
	if (result == NULL)
		return;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		database_reset(database, PQresultErrorMessage(result));
		return;
	}
	maintains = PQgetvalue(result, 0, 1)[0] != 't';
	if (position == NULL)
	{
		move_to(PQgetvalue(result, 0, 2));
		listener->reached(position);
	}
	log_info("reading", "extension", PQgetvalue(result, 0, 0), "preloaded", maintains ? "no" : "yes", "position", position);
	read_on();
}

static void
say_hello(void)
{
	reading = true;
	database_query(database, "SELECT version, preloaded, \"position\" FROM herald_internal.bridge_hello()", 0, NULL, on_hello, NULL);
}

/* The log cannot be read from our position any more: on from the present, and everybody is told. */
static void
resync(const char *reason)
{
	log_error("resync", "reason", reason, "position", position);
	metrics.resyncs++;
	free(position);
	position = NULL;
	between_pages = false;
	listener->resync(reason);
	say_hello();
}

/* Until the log has been read to its end, we may be behind from here on. */
static void
fall_behind(void)
{
	if (metrics.behind_since == 0)
		metrics.behind_since = clock_now();
}

static void
note_lag(const Page *page)
{
	if (page->logged > 0)
		metrics.event_age_ms = clock_now() - page->logged_at;
	if (!page->more)
		metrics.behind_since = 0;
	else if (page->logged > 0)
		metrics.behind_since = page->logged_at;
	metrics.behind_events = page->behind;
}

static void
hand_on(const Page *page)
{
	note_lag(page);
	metrics.events_read += page->logged;
	active |= page->logged > 0;
	for (int i = 0; i < page->count; i++)
	{
		listener->event(page->events[i]);
		move_to(page->events[i]->position);
	}
	move_to(page->position);
	between_pages = page->more;
	if (!between_pages)
		listener->reached(position);
}

static void
on_page(void *context, const Page *page)
{
	(void) context;
	reading = false;
	if (page->outcome == PAGE_RESYNC)
	{
		resync(page->reason);
		return;
	}
	if (page->outcome == PAGE_READ)
		hand_on(page);
	else if (database_is_connected(database))
		log_warning("read_failed", "reason", page->reason);
	if (page->outcome == PAGE_READ && (page->more || rung))
		read_on();
	else
		timer_start(&poll_timer, (uint64_t) config->poll_interval, on_poll, NULL);
}

static void
read_on(void)
{
	if (reading || position == NULL)
	{
		rung = true;
		return;
	}
	reading = true;
	fall_behind();
	if (!between_pages)
	{
		window++;
		rung = false;
	}
	timer_stop(&poll_timer);
	event_log_read(database, position, NULL, config, on_page, NULL);
}

void
reader_look(void)
{
	if (database_is_connected(database))
		read_on();
}

const char *
reader_position(void)
{
	return position;
}

/* Whoever gets it has got everything up to where the reader is, so its position is that. */
static void
on_signal(const char *text)
{
	Event *event = position ? signal_read(text, position) : NULL;

	if (event == NULL)
		return;
	listener->signal(event);
	event_unref(event);
}

static void
on_maintained(void *context, const PGresult *result)
{
	(void) context;
	if (result != NULL && PQresultStatus(result) != PGRES_TUPLES_OK)
		log_warning("maintenance_failed", "reason", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static void
on_maintenance(void *context)
{
	(void) context;
	if (maintains && active && database_is_connected(database))
	{
		active = false;
		database_query(database, "SELECT herald.maintain(wait => false)", 0, NULL, on_maintained, NULL);
	}
	timer_start(&maintenance_timer, MAINTENANCE_INTERVAL_MS, on_maintenance, NULL);
}

static void
on_connected(void *context)
{
	(void) context;
	say_hello();
}

static void
on_lost(void *context)
{
	(void) context;
	reading = false;
	fall_behind();
	timer_stop(&poll_timer);
}

void
reader_start(const Config *settings, const ReaderEvents *events)
{
	static const DatabaseEvents database_events = { on_connected, on_lost, NULL };
	static const DoorbellEvents doorbell_events = { reader_look, on_signal };

	config = settings;
	listener = events;
	database = database_open("reader", config->database, config->database_timeout, &database_events, NULL);
	doorbell = doorbell_open(config->database, config->database_timeout, &doorbell_events);
	timer_start(&maintenance_timer, MAINTENANCE_INTERVAL_MS, on_maintenance, NULL);
}

void
reader_stop(void)
{
	timer_stop(&poll_timer);
	timer_stop(&maintenance_timer);
	doorbell_close(doorbell);
	database_close(database);
	timer_stop(&poll_timer);
	free(position);
	position = NULL;
}

uint64_t
reader_window(void)
{
	return window;
}

static const char *
complaint(void)
{
	if (!database_is_connected(database))
		return database_error(database)[0] ? database_error(database) : "connecting to the database";
	if (!doorbell_is_listening(doorbell))
		return "not listening to the doorbell yet";
	return position == NULL || metrics_lag() > config->ready_lag ? "reading what has happened meanwhile" : NULL;
}

char *
reader_state(bool *ready)
{
	const char *words = complaint();

	*ready = words == NULL;
	if (*ready && metrics.behind_events == 0)
		return memory_copy("ready");
	return memory_format("%s; %.1f s and about %lld events behind", *ready ? "ready" : words,
						 (double) metrics_lag() / 1000, (long long) metrics.behind_events);
}

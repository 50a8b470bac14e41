/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  Reads the event log in order, from a position, and passes on each event.
 *
 * 1. One query runs at a time.  A ring of the doorbell that comes meanwhile means one
 *	  more query.
 *
 * 2. A window is the part of the log between two snapshots of the database.  It is
 *	  read in pages; reached() is called when its last page has been passed on.
 *
 * 3. The position moves after each event that has been passed on.  So a lost connection
 *	  costs nothing but time: the reader asks for the same page again.
 *
 * 4. Without a ring the log is read every poll-interval, in case a ring was lost.
 *
 * 5. Any role that may connect to the database can ring.  After some rings in a row that
 *	  announced nothing, the log is read at most every PACED_INTERVAL_MS for rings, until a
 *	  read finds something.  Reads for other reasons are not delayed.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "source/database.h"
#include "source/doorbell.h"
#include "source/event_log.h"
#include "source/server_refusal.h"

#define MAINTENANCE_INTERVAL_MS 10000
#define MIN_MAINTENANCE_INTERVAL_MS 1000
#define HELLO_INTERVAL_MS 1000
#define TOLERATED_VAIN_RINGS 3
#define PACED_INTERVAL_MS 25

static struct
{
	const Config *config;
	const ReaderEvents *events;
	Database *database;
	Doorbell *doorbell;
	char *position;		/* NULL before the first connection, and after a resync */
	bool inside_window; /* between two pages of a window */
	uint64_t window;
	bool busy;			  /* a query is running */
	bool rung;			  /* since the window began: the next window may have more */
	int vain_rings;		  /* read for, since the latest read that found something */
	uint64_t answered_at; /* the time of the latest read for a ring, by loop_now() */
	bool maintains;		  /* the extension is not preloaded: the bridge runs herald.maintain() */
	bool active;		  /* has read events or signals since the latest maintenance */
	uint64_t due_at;	  /* the time of the next scheduled row, by loop_now(); 0: unknown, UINT64_MAX: none */
	char *refusal;		  /* the reason of the latest refused hello; NULL after one that succeeded */
	Timer hello_timer;
	Timer poll_timer;
	Timer ring_timer;
	Timer maintenance_timer;
} reader;

/* Maintains the log, and returns the milliseconds until the next scheduled row is due; NULL without one. */
#define MAINTAIN \
	"SELECT ceil(1000 * extract(epoch FROM herald.maintain(wait => false) - clock_timestamp()))::bigint"

static void read_next_page(void);
static void send_hello(void *context);
static void on_maintenance(void *context);

static void
reader_on_poll(void *context)
{
	(void) context;
	read_next_page();
}

static void
set_position(const char *text)
{
	free(reader.position);
	reader.position = memory_copy(text);
}

/* Without the extension, or without the privilege to use it, the reader asks again.  The log gets each new reason. */
static void
refuse_hello(const PGresult *result)
{
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *reason = primary ? primary : PQresultErrorMessage(result);

	if (reader.refusal == NULL || strcmp(reader.refusal, reason) != 0)
		log_warning("reader_refused", "reason", reason, "hint", server_refusal_hint(PQresultErrorField(result, PG_DIAG_SQLSTATE)));
	free(reader.refusal);
	reader.refusal = memory_copy(reason);
	timer_start(&reader.hello_timer, HELLO_INTERVAL_MS, send_hello, NULL);
}

static void
on_hello(void *context, const PGresult *result)
{
	(void) context;
	reader.busy = false;
	if (result == NULL)
		return;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		refuse_hello(result);
		return;
	}
	free(reader.refusal);
	reader.refusal = NULL;
	reader.maintains = PQgetvalue(result, 0, 1)[0] != 't';
	if (reader.position == NULL)
	{
		set_position(PQgetvalue(result, 0, 2));
		reader.events->reached(reader.position);
	}
	log_info("reading", "extension", PQgetvalue(result, 0, 0), "preloaded", reader.maintains ? "no" : "yes", "position", reader.position);
	read_next_page();
}

static void
send_hello(void *context)
{
	(void) context;
	if (!database_is_connected(reader.database))
		return; /* it is sent when the connection is back */
	reader.busy = true;
	database_query(reader.database, "SELECT version, preloaded, \"position\" FROM herald_internal.bridge_hello()", 0, NULL, on_hello, NULL);
}

/* The log cannot be read from this position any more: the reader goes on from the present. */
static void
resync(const char *reason)
{
	log_error("resync", "reason", reason, "position", reader.position);
	metrics.resyncs++;
	free(reader.position);
	reader.position = NULL;
	reader.inside_window = false;
	reader.events->resync(reason);
	send_hello(NULL);
}

/* From here on the reader may be behind, until it has read the log to its end. */
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
	metrics.behind_events = page->lag_events;
}

/* Passes on the events of a page.  The position is still before an event while its callback runs. */
static void
pass_on(const Page *page)
{
	note_lag(page);
	metrics.events_read += page->logged;
	if (page->count > 0)
	{
		reader.active = true;
		reader.vain_rings = 0;
	}
	for (int i = 0; i < page->count; i++)
	{
		if (page->events[i]->ephemeral)
			reader.events->signal(page->events[i]);
		else
			reader.events->event(page->events[i]);
		set_position(page->events[i]->position);
	}
	set_position(page->position);
	reader.inside_window = page->more;
	if (!reader.inside_window)
		reader.events->reached(reader.position);
}

static void
reader_on_page(void *context, const Page *page)
{
	(void) context;
	reader.busy = false;
	if (page->outcome == PAGE_RESYNC)
	{
		resync(page->reason);
		return;
	}
	if (page->outcome == PAGE_READ)
		pass_on(page);
	else if (database_is_connected(reader.database))
		log_warning("read_failed", "reason", page->reason);
	if (page->outcome == PAGE_READ && (page->more || reader.rung))
		read_next_page();
	else
		timer_start(&reader.poll_timer, (uint64_t) reader.config->poll_interval, reader_on_poll, NULL);
}

static void
read_next_page(void)
{
	if (reader.busy || reader.position == NULL)
	{
		reader.rung = true;
		return;
	}
	reader.busy = true;
	fall_behind();
	if (!reader.inside_window)
	{
		reader.window++;
		reader.rung = false;
	}
	timer_stop(&reader.poll_timer);
	event_log_read(reader.database, reader.position, NULL, true, reader.config, reader_on_page, NULL);
}

void
reader_wake(void)
{
	if (database_is_connected(reader.database))
		read_next_page();
}

static void
answer_ring(void *context)
{
	(void) context;
	timer_stop(&reader.ring_timer);
	reader.answered_at = loop_now();
	if (reader.vain_rings < TOLERATED_VAIN_RINGS)
		reader.vain_rings++;
	reader_wake();
}

static void
reader_on_ring(void)
{
	uint64_t since = loop_now() - reader.answered_at;

	metrics.rings++;
	if (reader.vain_rings < TOLERATED_VAIN_RINGS || since >= PACED_INTERVAL_MS)
		answer_ring(NULL);
	else if (!timer_is_running(&reader.ring_timer))
		timer_start(&reader.ring_timer, PACED_INTERVAL_MS - since, answer_ring, NULL);
}

const char *
reader_position(void)
{
	return reader.position;
}

static void
plan_maintenance(void)
{
	uint64_t now = loop_now();
	bool soon = reader.due_at > now && reader.due_at - now < MAINTENANCE_INTERVAL_MS;

	timer_start(&reader.maintenance_timer, soon ? reader.due_at - now : MAINTENANCE_INTERVAL_MS, on_maintenance, NULL);
}

/* Takes the number of milliseconds until the next scheduled row is due; it may be negative. */
static void
set_due(int64_t until_due)
{
	reader.due_at = loop_now() + (until_due > MIN_MAINTENANCE_INTERVAL_MS ? until_due : MIN_MAINTENANCE_INTERVAL_MS);
	plan_maintenance();
}

static void
on_maintained(void *context, const PGresult *result)
{
	(void) context;
	if (result != NULL && PQresultStatus(result) != PGRES_TUPLES_OK)
		log_warning("maintenance_failed", "reason", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	else if (result != NULL && !PQgetisnull(result, 0, 0))
		set_due(strtoll(PQgetvalue(result, 0, 0), NULL, 10));
}

static void
on_status(void *context, const PGresult *result)
{
	(void) context;
	if (result == NULL)
		return;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		log_warning("status_failed", "reason", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
		return;
	}
	metrics.suspended_rules = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	metrics.missed_changes = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
	metrics.rule_failures = strtoll(PQgetvalue(result, 0, 2), NULL, 10);
}

static void
ask_status(void)
{
	database_query(reader.database, "SELECT suspended_rules, missed_changes, failures FROM herald_internal.status()", 0, NULL,
				   on_status, NULL);
}

static void
on_maintenance(void *context)
{
	(void) context;
	if (reader.maintains && (reader.active || loop_now() >= reader.due_at) && database_is_connected(reader.database))
	{
		reader.active = false;
		reader.due_at = UINT64_MAX;
		database_query(reader.database, MAINTAIN, 0, NULL, on_maintained, NULL);
	}
	if (reader.position != NULL && database_is_connected(reader.database))
		ask_status();
	plan_maintenance();
}

static void
reader_on_connected(void *context)
{
	send_hello(context);
}

static void
reader_on_lost(void *context)
{
	(void) context;
	reader.busy = false;
	fall_behind();
	timer_stop(&reader.hello_timer);
	timer_stop(&reader.poll_timer);
	timer_stop(&reader.ring_timer);
}

static void
reader_notify(const char *sql, QueryAnswer answer, void *context)
{
	database_query(reader.database, sql, 0, NULL, answer, context);
}

void
reader_start(const Config *config, const ReaderEvents *events)
{
	static const DatabaseEvents database_events = { reader_on_connected, reader_on_lost, NULL };
	static const DoorbellEvents doorbell_events = { reader_on_ring, reader_notify };

	assert(events->event && events->signal && events->reached && events->resync);
	reader.config = config;
	reader.events = events;
	reader.database = database_open("reader", reader.config->database, reader.config->database_timeout, &database_events, NULL);
	reader.doorbell = doorbell_open(reader.config->database, reader.config->database_timeout, &doorbell_events);
	timer_start(&reader.maintenance_timer, MAINTENANCE_INTERVAL_MS, on_maintenance, NULL);
}

void
reader_stop(void)
{
	timer_stop(&reader.poll_timer);
	timer_stop(&reader.maintenance_timer);
	doorbell_close(reader.doorbell);
	database_close(reader.database);
	timer_stop(&reader.poll_timer);
	timer_stop(&reader.ring_timer);
	timer_stop(&reader.hello_timer);
	free(reader.position);
	reader.position = NULL;
	free(reader.refusal);
	reader.refusal = NULL;
}

uint64_t
reader_window(void)
{
	return reader.window;
}

/* Returns the reason why the reader is not ready, or NULL. */
static const char *
why_not_ready(void)
{
	if (!database_is_connected(reader.database))
		return database_error(reader.database)[0] ? database_error(reader.database) : "connecting to the database";
	if (reader.refusal != NULL)
		return reader.refusal;
	if (doorbell_is_deaf(reader.doorbell))
		return DOORBELL_DEAF;
	if (!doorbell_is_listening(reader.doorbell))
		return "not listening to the doorbell yet";
	return reader.position == NULL || metrics_lag() > reader.config->ready_lag ? "reading the events that were written meanwhile" : NULL;
}

char *
reader_state(bool *ready)
{
	const char *reason = why_not_ready();

	*ready = reason == NULL;
	if (*ready && metrics.behind_events == 0)
		return memory_copy("ready");
	return memory_format("%s; %.1f s and about %lld events behind", *ready ? "ready" : reason,
						 (double) metrics_lag() / 1000, (long long) metrics.behind_events);
}

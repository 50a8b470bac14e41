/*-------------------------------------------------------------------------
 *
 * reader.c
 *	  Reads the event log in order, from a position, and passes on each event.
 *
 * 1. One page is read at a time.  The reader sends the query for the next page together
 *	  with a procedure that waits in the server for commits (extension/read/ring_wait.c).
 *	  So the page is read as soon as a writer has committed, and the bridge wakes once for
 *	  it.
 *
 * 2. Where the server is not preloaded, nobody can wait in it: a NOTIFY has the reader
 *	  read.  A ring that comes while a page is read means one more page.
 *
 * 3. A window is the part of the log between two snapshots of the database.  It is
 *	  read in pages; reached() is called when its last page has been passed on.
 *
 * 4. The position moves after each event that has been passed on.  So a lost connection
 *	  costs nothing but time: the reader asks for the same page again.
 *
 * 5. Without a ring the log is read every poll-interval, in case a ring was lost.
 *
 * 6. Any role that may connect to the database can send that NOTIFY.  After some rings in a row that
 *	  announced nothing, the log is read at most every PACED_INTERVAL_MS for rings, until a
 *	  read finds something.  Reads for other reasons are not delayed.
 *
 * 7. The connection is not free while it waits.  For other queries, and for a page that
 *	  must be read now, the reader ends the wait, on the connection of the doorbell.
 *
 * 8. Somebody may cancel a wait.  The reader then reads, and waits, again after WAIT_RETRY_MS.
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
#include "source/ring_wait.h"
#include "source/server_refusal.h"
#include "source/upkeep.h"

#define HELLO_INTERVAL_MS 1000
#define TOLERATED_VAIN_RINGS 3
#define PACED_INTERVAL_MS 25
#define WAIT_RETRY_MS 1000

static struct
{
	const Config *config;
	const ReaderEvents *events;
	Database *database;
	Doorbell *doorbell;
	char *position;		/* NULL before the first connection, and after a resync */
	bool inside_window; /* between two pages of a window */
	uint64_t window;
	bool busy;			  /* a page or a hello is on its way */
	bool rung;			  /* since the window began: the next window may have more */
	int vain_rings;		  /* read for, since the latest read that found something */
	uint64_t answered_at; /* the time of the latest read for a ring, by loop_now() */
	char *refusal;		  /* the reason of the latest refused hello; NULL after one that succeeded */
	Timer hello_timer;
	Timer poll_timer;
	Timer ring_timer;
} reader;

static void read_log(bool waits);
static void send_hello(void *context);

static void
reader_on_poll(void *context)
{
	(void) context;
	read_log(false);
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

/* The parts of a position that are the same for all positions of a start of the server (extension/read/position.c). */
#define PARTS_OF_START 3

static bool
are_of_one_start(const char *position, const char *other)
{
	size_t length = 0;

	for (int parts = 0; parts < PARTS_OF_START && position[length] != '\0'; length++)
		parts += position[length] == '~';
	return strncmp(position, other, length) == 0;
}

static void
on_hello(void *context, const PGresult *result)
{
	bool preloaded;

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
	preloaded = PQgetvalue(result, 0, 1)[0] == 't';
	upkeep_connected(!preloaded);
	ring_wait_set_id(PQgetisnull(result, 0, 3) ? NULL : PQgetvalue(result, 0, 3));
	if (reader.position == NULL)
	{
		set_position(PQgetvalue(result, 0, 2));
		reader.events->reached(reader.position);
	}
	else if (!are_of_one_start(reader.position, PQgetvalue(result, 0, 2)))
		reader.events->restarted();
	log_info("reading", "extension", PQgetvalue(result, 0, 0), "preloaded", preloaded ? "yes" : "no", "position", reader.position);
	read_log(false);
}

static void
send_hello(void *context)
{
	(void) context;
	if (!database_is_connected(reader.database))
		return; /* it is sent when the connection is back */
	reader.busy = true;
	database_query(reader.database, "SELECT version, preloaded, \"position\", reader_id FROM herald_internal.bridge_hello()", 0, NULL, on_hello, NULL);
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
		upkeep_note_activity();
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
	bool wait_failed;

	(void) context;
	reader.busy = false;
	if (page->outcome == PAGE_SKIPPED)
	{
		read_log(false);
		return;
	}
	wait_failed = ring_wait_take_failure();
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
		read_log(false);
	else if (page->outcome == PAGE_READ && ring_wait_is_possible() && !wait_failed)
		read_log(true);
	else
		timer_start(&reader.poll_timer, wait_failed ? WAIT_RETRY_MS : (uint64_t) reader.config->poll_interval,
					reader_on_poll, NULL);
}

/* Has the server wait for commits, for less time than a query may take. */
static void
await_ring(void)
{
	long limit = reader.config->database_timeout / 2;
	long time = reader.config->poll_interval < limit ? reader.config->poll_interval : limit;

	ring_wait_begin(reader.database, time, fall_behind);
}

/* Runs a query on the reader's connection. */
static void
reader_query(const char *sql, QueryAnswer answer, void *context)
{
	database_query(reader.database, sql, 0, NULL, answer, context);
	ring_wait_end(reader.doorbell);
}

/* Reads the next page; has the server wait for commits before, if "waits" says so. */
static void
read_log(bool waits)
{
	assert(!reader.busy && reader.position != NULL);
	reader.busy = true;
	if (!reader.inside_window)
	{
		reader.window++;
		reader.rung = false;
	}
	timer_stop(&reader.poll_timer);
	if (waits)
		await_ring();
	else
		fall_behind();
	event_log_read(reader.database, reader.position, NULL, true, reader.config, reader_on_page, NULL);
}

void
reader_wake(void)
{
	if (!database_is_connected(reader.database))
		return;
	if (!reader.busy && reader.position != NULL)
	{
		read_log(false);
		return;
	}
	reader.rung = true;
	ring_wait_end(reader.doorbell);
}

static void
answer_ring(void *context)
{
	(void) context;
	timer_stop(&reader.ring_timer);
	reader.answered_at = loop_now();
	if (reader.vain_rings < TOLERATED_VAIN_RINGS)
		reader.vain_rings++;
	upkeep_note_activity();
	reader_wake();
}

static void
reader_on_ring(void)
{
	uint64_t since = loop_now() - reader.answered_at;

	if (ring_wait_is_possible())
		return; /* commits end the wait in the server */
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

static bool
reader_reads(void)
{
	return reader.position != NULL && database_is_connected(reader.database);
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
	ring_wait_forget();
	fall_behind();
	timer_stop(&reader.hello_timer);
	timer_stop(&reader.poll_timer);
	timer_stop(&reader.ring_timer);
}

void
reader_start(const Config *config, const ReaderEvents *events)
{
	static const DatabaseEvents database_events = { reader_on_connected, reader_on_lost, NULL };
	static const DoorbellEvents doorbell_events = { reader_on_ring, reader_query };

	assert(events->event && events->signal && events->reached && events->resync && events->restarted);
	reader.config = config;
	reader.events = events;
	reader.database = database_open("reader", reader.config->database, reader.config->database_timeout, &database_events, NULL);
	reader.doorbell = doorbell_open(reader.config->database, reader.config->database_timeout, &doorbell_events);
	upkeep_start(reader_reads, reader_query);
}

void
reader_stop(void)
{
	timer_stop(&reader.poll_timer);
	upkeep_stop();
	database_close(reader.database); /* it may have a query of the doorbell */
	doorbell_close(reader.doorbell);
	timer_stop(&reader.poll_timer);
	timer_stop(&reader.ring_timer);
	timer_stop(&reader.hello_timer);
	free(reader.position);
	reader.position = NULL;
	free(reader.refusal);
	reader.refusal = NULL;
	ring_wait_forget();
	ring_wait_set_id(NULL);
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

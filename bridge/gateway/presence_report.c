/*-------------------------------------------------------------------------
 *
 * presence_report.c
 *	  Tells the database who is here, and that this bridge lives.
 *
 * One query at a time, with all that is new; without news as often as the lease
 * needs it.  Whenever it is not sure any more what the database knows, after a
 * lost connection or a failed report, the bridge begins anew: it gets another id
 * and reports everything under that.  What it said under its former id counts
 * until that lease runs out, so nobody seems to go meanwhile.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/presence_report.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/timer.h"
#include "gateway/presence.h"
#include "source/database.h"

#define NEWS_INTERVAL_MS 250

static const Config *config;
static Database *database;
static char *id;	 /* to report under; NULL: it is asked for */
static char *former; /* the one before it */
static bool asking;	 /* a query runs */
static bool leaving;
static bool fixed; /* the timer is not brought forward by news */
static Timer timer;

static void ask(void);

static void
on_time(void *context)
{
	(void) context;
	ask();
}

static void
wait_for(long milliseconds)
{
	timer_start(&timer, (uint64_t) milliseconds, on_time, NULL);
}

static void
plan_next(void)
{
	fixed = presence_has_news();
	wait_for(fixed ? NEWS_INTERVAL_MS : config->presence_lease / 3);
}

static void
on_news(void)
{
	if (!asking && !fixed && !leaving)
		plan_next();
}

/* It is not known what the database knows. */
static void
begin_anew(void)
{
	if (id != NULL)
	{
		free(former);
		former = id;
		id = NULL;
	}
	presence_forget();
}

/* A lost connection has been dealt with when the answer to its query comes. */
static bool
is_good(const PGresult *result)
{
	asking = false;
	if (result == NULL)
		return false;
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		return true;
	log_error("presence_not_reported", "reason", PQresultErrorMessage(result));
	begin_anew();
	fixed = true;
	wait_for(config->presence_lease / 3);
	return false;
}

static void
on_begun(void *context, const PGresult *result)
{
	(void) context;
	if (!is_good(result))
		return;
	id = memory_copy(PQgetvalue(result, 0, 0));
	ask();
}

static void
on_reported(void *context, const PGresult *result)
{
	(void) context;
	if (is_good(result))
		plan_next();
}

static void
begin(const char *lease)
{
	const char *values[] = { former, lease };

	database_query(database, "SELECT herald_internal.begin_presence($1, $2)", 2, values, on_begun, NULL);
}

static void
report(const char *lease)
{
	PresenceNews news = presence_take();
	const char *values[] = { id, news.came, news.went, news.rooms, news.counts, lease };

	database_query(database, "SELECT herald_internal.report_presence($1, $2, $3, $4, $5, $6)", 6, values, on_reported, NULL);
	presence_free(&news);
}

/* The lease holds for the time that a report may be late, and then for as long as anybody may be away. */
static void
ask(void)
{
	char *lease;

	if (asking || leaving || !database_is_connected(database))
		return;
	asking = true;
	lease = memory_format("%ld ms", config->presence_lease + config->presence_grace);
	if (id == NULL)
		begin(lease);
	else
		report(lease);
	free(lease);
}

static void
on_connected(void *context)
{
	(void) context;
	ask();
}

static void
on_lost(void *context)
{
	(void) context;
	begin_anew();
}

void
presence_report_start(const Config *settings)
{
	static const DatabaseEvents events = { .connected = on_connected, .lost = on_lost };

	config = settings;
	presence_start(settings, on_news);
	database = database_open("presence", settings->database, settings->database_timeout, &events, NULL);
}

void
presence_report_give_up(void)
{
	char *lease = memory_format("%ld ms", config->presence_grace);

	if (id != NULL && !leaving)
		report(lease);
	leaving = true;
	timer_stop(&timer);
	free(lease);
}

void
presence_report_stop(void)
{
	timer_stop(&timer);
	database_close(database);
	presence_stop();
	free(id);
	free(former);
}

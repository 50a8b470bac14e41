/*-------------------------------------------------------------------------
 *
 * presence_report.c
 *	  Reports presence to the database, and that this bridge lives.
 *
 * One query runs at a time, with all changes.  Without changes the bridge reports as often
 * as its lease demands.  When the bridge does not know the database's state, after a
 * lost connection or a failed report, it begins anew: it gets another id and reports all
 * users and rooms under that.  Its reports under the former id count until that lease
 * ends, so that no user seems to go meanwhile.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/presence_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/timer.h"
#include "gateway/presence.h"
#include "source/database.h"

#define NEWS_INTERVAL_MS 250

static struct
{
	const Config *config; /* presence-lease and presence-grace may change while the bridge runs */
	Database *database;
	char *id;		/* to report under; NULL: the database is asked for one */
	char *former;	/* the id before it, or NULL */
	bool in_flight; /* a query */
	bool leaving;
	bool fixed; /* changes do not bring the timer forward */
	Timer timer;
	char *failure; /* the reason of the latest report that failed; NULL after one that succeeded */
} reports;

static void report_next(void);

static void
report_on_time(void *context)
{
	(void) context;
	report_next();
}

static void
wait_for(long milliseconds)
{
	timer_start(&reports.timer, (uint64_t) milliseconds, report_on_time, NULL);
}

static void
plan_next(void)
{
	reports.fixed = presence_has_news();
	wait_for(reports.fixed ? NEWS_INTERVAL_MS : reports.config->presence_lease / 3);
}

static void
report_on_news(void)
{
	if (!reports.in_flight && !reports.fixed && !reports.leaving)
		plan_next();
}

/* Forgets the id: the database may have any of the reports under it, or none. */
static void
begin_anew(void)
{
	if (reports.id != NULL)
	{
		free(reports.former);
		reports.former = reports.id;
		reports.id = NULL;
	}
	presence_forget();
}

/* Remembers the reason of a failure, NULL after a success, and logs a new one: the next reports fail for it as well. */
static void
note_outcome(const char *failure)
{
	if (failure != NULL && (reports.failure == NULL || strcmp(reports.failure, failure) != 0))
		log_error("presence_not_reported", "reason", failure);
	free(reports.failure);
	reports.failure = memory_copy(failure);
}

/* After a lost connection, report_on_lost() begins anew. */
static bool
is_good(const PGresult *result)
{
	reports.in_flight = false;
	if (result == NULL)
		return false;
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
	{
		note_outcome(NULL);
		return true;
	}
	note_outcome(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	begin_anew();
	reports.fixed = true;
	wait_for(reports.config->presence_lease / 3);
	return false;
}

static void
report_on_begun(void *context, const PGresult *result)
{
	(void) context;
	if (!is_good(result))
		return;
	reports.id = memory_copy(PQgetvalue(result, 0, 0));
	report_next();
}

static void
report_on_reported(void *context, const PGresult *result)
{
	(void) context;
	if (is_good(result))
		plan_next();
}

static void
begin_presence(const char *lease)
{
	const char *values[] = { reports.former, lease };

	database_query(reports.database, "SELECT herald_internal.begin_presence($1, $2)", 2, values, report_on_begun, NULL);
}

static void
report_news(const char *lease)
{
	PresenceNews news = presence_take();
	const char *values[] = { reports.id, news.came, news.went, news.rooms, news.counts, lease };

	database_query(reports.database, "SELECT herald_internal.report_presence($1, $2, $3, $4, $5, $6)", 6, values, report_on_reported, NULL);
	presence_free(&news);
}

/* The lease covers the time by which a report may be late, and then the grace period of absent users. */
static void
report_next(void)
{
	char *lease;

	if (reports.in_flight || reports.leaving || !database_is_connected(reports.database))
		return;
	reports.in_flight = true;
	lease = memory_format("%ld ms", reports.config->presence_lease + reports.config->presence_grace);
	if (reports.id == NULL)
		begin_presence(lease);
	else
		report_news(lease);
	free(lease);
}

static void
report_on_connected(void *context)
{
	(void) context;
	report_next();
}

static void
report_on_lost(void *context)
{
	(void) context;
	begin_anew();
}

void
presence_report_start(const Config *config)
{
	static const DatabaseEvents events = { .connected = report_on_connected, .lost = report_on_lost };

	reports.config = config;
	presence_start(config, report_on_news);
	reports.database = database_open("presence", config->database, config->database_timeout, &events, NULL);
}

void
presence_report_give_up(void)
{
	char *lease = memory_format("%ld ms", reports.config->presence_grace);

	if (reports.id != NULL && !reports.leaving)
		report_news(lease);
	reports.leaving = true;
	timer_stop(&reports.timer);
	free(lease);
}

void
presence_report_stop(void)
{
	timer_stop(&reports.timer);
	database_close(reports.database);
	presence_stop();
	free(reports.id);
	free(reports.former);
	note_outcome(NULL);
}

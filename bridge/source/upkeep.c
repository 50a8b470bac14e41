/*-------------------------------------------------------------------------
 *
 * upkeep.c
 *	  Asks the database for its status, and maintains the log where no worker does.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/upkeep.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/timer.h"

#define MAINTENANCE_INTERVAL_MS 10000
#define MIN_MAINTENANCE_INTERVAL_MS 1000

static struct
{
	bool (*is_ready)(void);
	void (*query)(const char *sql, QueryAnswer answer, void *context);
	bool maintains;
	bool active;			 /* the doorbell has rung, or something was read, since the latest maintenance */
	int64_t recovery_window; /* in milliseconds; 0: not known yet */
	uint64_t due_at;		 /* the time of the next scheduled row, by loop_now(); 0: unknown, UINT64_MAX: none */
	Timer timer;
} upkeep;

/* Maintains the log, and returns the milliseconds until the next scheduled row is due; NULL without one. */
#define MAINTAIN \
	"SELECT ceil(1000 * extract(epoch FROM herald.maintain(wait => false) - clock_timestamp()))::bigint"

static void on_maintenance(void *context);

static void
plan_maintenance(void)
{
	uint64_t now = loop_now();
	bool soon = upkeep.due_at > now && upkeep.due_at - now < MAINTENANCE_INTERVAL_MS;

	timer_start(&upkeep.timer, soon ? upkeep.due_at - now : MAINTENANCE_INTERVAL_MS, on_maintenance, NULL);
}

/* Takes the number of milliseconds until the next scheduled row is due; it may be negative. */
static void
set_due(int64_t until_due)
{
	upkeep.due_at = loop_now() + (until_due > MIN_MAINTENANCE_INTERVAL_MS ? until_due : MIN_MAINTENANCE_INTERVAL_MS);
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
	upkeep.recovery_window = strtoll(PQgetvalue(result, 0, 3), NULL, 10);
}

static void
ask_status(void)
{
	upkeep.query("SELECT suspended_rules, missed_changes, failures,"
				 " (1000 * extract(epoch FROM herald_internal.setting('recovery_window')::interval))::bigint"
				 " FROM herald_internal.status()",
				 on_status, NULL);
}

static void
on_maintenance(void *context)
{
	(void) context;
	if (upkeep.maintains && (upkeep.active || loop_now() >= upkeep.due_at) && upkeep.is_ready())
	{
		upkeep.active = false;
		upkeep.due_at = UINT64_MAX;
		upkeep.query(MAINTAIN, on_maintained, NULL);
	}
	if (upkeep.is_ready())
		ask_status();
	plan_maintenance();
}

void
upkeep_start(bool (*is_ready)(void), void (*query)(const char *sql, QueryAnswer answer, void *context))
{
	assert(is_ready != NULL && query != NULL);
	upkeep.is_ready = is_ready;
	upkeep.query = query;
	timer_start(&upkeep.timer, MAINTENANCE_INTERVAL_MS, on_maintenance, NULL);
}

void
upkeep_connected(bool maintains)
{
	upkeep.maintains = maintains;
	ask_status();
}

int64_t
upkeep_recovery_window(void)
{
	return upkeep.recovery_window;
}

void
upkeep_note_activity(void)
{
	upkeep.active = true;
}

void
upkeep_stop(void)
{
	timer_stop(&upkeep.timer);
}

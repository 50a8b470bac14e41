/*-------------------------------------------------------------------------
 *
 * doorbell.c
 *	  Listens to the doorbell.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/doorbell.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/timer.h"
#include "source/database.h"

/* A pooler in front of the server may drop a LISTEN silently. */
#define CHECK_INTERVAL_MS 30000

struct Doorbell
{
	Database *database;
	const DoorbellEvents *events;
	bool listening;
	bool rung; /* by one of the notifications that are being taken */
	Timer check;
};

static void check_listening(void *context);

static void
on_listening(void *context, const PGresult *result)
{
	Doorbell *doorbell = context;

	if (result == NULL)
		return;
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		database_reset(doorbell->database, PQresultErrorMessage(result));
		return;
	}
	doorbell->listening = true;
	timer_start(&doorbell->check, CHECK_INTERVAL_MS, check_listening, doorbell);
	doorbell->events->rung();
}

static void
on_checked(void *context, const PGresult *result)
{
	Doorbell *doorbell = context;

	if (result == NULL)
		return;
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0)
		database_reset(doorbell->database, "the server no longer lists this connection as listening");
	else
		timer_start(&doorbell->check, CHECK_INTERVAL_MS, check_listening, doorbell);
}

static void
check_listening(void *context)
{
	Doorbell *doorbell = context;

	database_query(doorbell->database, "SELECT 1 FROM pg_catalog.pg_listening_channels() AS c WHERE c OPERATOR(pg_catalog.=) '" DOORBELL_CHANNEL "'",
				   0, NULL, on_checked, doorbell);
}

static void
doorbell_on_connected(void *context)
{
	Doorbell *doorbell = context;

	database_query(doorbell->database, "LISTEN " DOORBELL_CHANNEL, 0, NULL, on_listening, doorbell);
}

static void
doorbell_on_lost(void *context)
{
	Doorbell *doorbell = context;

	doorbell->listening = false;
	timer_stop(&doorbell->check);
}

/* A burst of rings counts as one.  Any role may ring, with any payload: it says nothing. */
static void
on_notified(void *context, const PGnotify *notification)
{
	Doorbell *doorbell = context;

	if (notification != NULL)
		doorbell->rung = true;
	else if (doorbell->rung)
	{
		doorbell->rung = false;
		doorbell->events->rung();
	}
}

Doorbell *
doorbell_open(const char *conninfo, long limit, const DoorbellEvents *events)
{
	static const DatabaseEvents database_events = { doorbell_on_connected, doorbell_on_lost, on_notified };
	Doorbell *doorbell = memory_new(sizeof(Doorbell));

	assert(events->rung != NULL);
	doorbell->events = events;
	doorbell->database = database_open("doorbell", conninfo, limit, &database_events, doorbell);
	return doorbell;
}

bool
doorbell_is_listening(const Doorbell *doorbell)
{
	return doorbell->listening;
}

void
doorbell_close(Doorbell *doorbell)
{
	timer_stop(&doorbell->check);
	database_close(doorbell->database);
	free(doorbell);
}

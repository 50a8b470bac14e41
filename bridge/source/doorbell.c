/*-------------------------------------------------------------------------
 *
 * doorbell.c
 *	  Listens to the doorbell.
 *
 * A pooler in front of the server may drop a LISTEN without a word.  So the doorbell
 * listens to a channel of its own as well.  At the begin and once a minute, another
 * connection notifies there.  If that does not come back, the doorbell is deaf: it says
 * so, and connects again.  It counts as listening once the first NOTIFY has come back, or
 * the server has refused it, which says nothing about LISTEN.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/doorbell.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/timer.h"
#include "source/database.h"

#define CHECK_INTERVAL_MS 60000
#define RETRY_INTERVAL_MS 100
#define ECHO_PATIENCE_MS 5000
#define ECHO_PREFIX "herald_echo_"
#define ECHO_DIGITS 16

struct Doorbell
{
	Database *database;
	const DoorbellEvents *events;
	bool listening;								  /* the server has confirmed LISTEN on the present connection */
	bool checked;								  /* and the first check is over, and did not find it deaf */
	bool rung;									  /* by one of the notifications that are being taken */
	bool deaf;									  /* the latest check failed */
	char echo[sizeof(ECHO_PREFIX) + ECHO_DIGITS]; /* the channel of the check */
	Timer check;
};

static void check_listening(void *context);

/* Returns whether a LISTEN succeeded; connects again if the server refuses it. */
static bool
accepts_listen(Doorbell *doorbell, const PGresult *result)
{
	if (result != NULL && PQresultStatus(result) != PGRES_COMMAND_OK)
	{
		database_reset(doorbell->database, PQresultErrorMessage(result));
		return false;
	}
	return result != NULL;
}

static void
on_listening(void *context, const PGresult *result)
{
	Doorbell *doorbell = context;

	if (!accepts_listen(doorbell, result))
		return;
	doorbell->listening = true;
	check_listening(doorbell);
	doorbell->events->rung();
}

static void
on_no_echo(void *context)
{
	Doorbell *doorbell = context;

	if (!doorbell->deaf)
		log_warning("doorbell_deaf", "reason", DOORBELL_DEAF, "hint", DOORBELL_DEAF_HINT);
	doorbell->deaf = true;
	database_reset(doorbell->database, DOORBELL_DEAF);
}

static void
expect_next_check(Doorbell *doorbell)
{
	doorbell->checked = true;
	timer_start(&doorbell->check, CHECK_INTERVAL_MS, check_listening, doorbell);
}

static void
on_echo(Doorbell *doorbell)
{
	if (doorbell->deaf)
		log_info("doorbell_heard");
	doorbell->deaf = false;
	expect_next_check(doorbell);
}

/*
 * The patience begins when the NOTIFY is committed.  One that has no connection is sent
 * again soon.  One that the server refuses says nothing: the next check is the usual one.
 */
static void
on_echo_sent(void *context, const PGresult *result)
{
	Doorbell *doorbell = context;

	if (!doorbell->listening || timer_is_running(&doorbell->check))
		return;
	if (result == NULL)
		timer_start(&doorbell->check, RETRY_INTERVAL_MS, check_listening, doorbell);
	else if (PQresultStatus(result) == PGRES_COMMAND_OK)
		timer_start(&doorbell->check, ECHO_PATIENCE_MS, on_no_echo, doorbell);
	else
		expect_next_check(doorbell);
}

static void
check_listening(void *context)
{
	Doorbell *doorbell = context;
	char command[64];

	snprintf(command, sizeof(command), "NOTIFY %s", doorbell->echo);
	doorbell->events->notify(command, on_echo_sent, doorbell);
}

static void
on_listening_to_echo(void *context, const PGresult *result)
{
	Doorbell *doorbell = context;

	if (accepts_listen(doorbell, result))
		database_query(doorbell->database, "LISTEN " DOORBELL_CHANNEL, 0, NULL, on_listening, doorbell);
}

static void
doorbell_on_connected(void *context)
{
	Doorbell *doorbell = context;

	char command[64];

	snprintf(command, sizeof(command), "LISTEN %s", doorbell->echo);
	database_query(doorbell->database, command, 0, NULL, on_listening_to_echo, doorbell);
}

static void
doorbell_on_lost(void *context)
{
	Doorbell *doorbell = context;

	doorbell->listening = false;
	doorbell->checked = false;
	timer_stop(&doorbell->check);
}

/* A burst of rings counts as one.  Any role may ring, with any payload: it says nothing. */
static void
on_notified(void *context, const PGnotify *notification)
{
	Doorbell *doorbell = context;

	if (notification != NULL && strcmp(notification->relname, doorbell->echo) == 0)
		on_echo(doorbell);
	else if (notification != NULL)
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

	assert(events->rung != NULL && events->notify != NULL);
	strcpy(doorbell->echo, ECHO_PREFIX);
	random_digits(doorbell->echo + strlen(ECHO_PREFIX), ECHO_DIGITS);
	doorbell->events = events;
	doorbell->database = database_open("doorbell", conninfo, limit, &database_events, doorbell);
	return doorbell;
}

void
doorbell_query(Doorbell *doorbell, const char *sql, int count, const char *const *values, QueryAnswer answer,
			   void *context)
{
	database_query(doorbell->database, sql, count, values, answer, context);
}

bool
doorbell_is_listening(const Doorbell *doorbell)
{
	return doorbell->checked;
}

bool
doorbell_is_deaf(const Doorbell *doorbell)
{
	return doorbell->deaf;
}

void
doorbell_close(Doorbell *doorbell)
{
	timer_stop(&doorbell->check);
	database_close(doorbell->database);
	free(doorbell);
}

/*-------------------------------------------------------------------------
 *
 * preflight.c
 *	  Checks before the start that the bridge can work with its database.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/preflight.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/doorbell.h"
#include "source/hosts.h"
#include "source/server_refusal.h"
#include "source/session_settings.h"

/* How long a query may take, and a pooler to give back a connection that another client uses. */
#define ANSWER_PATIENCE_MS 3000

/* Reports a failure, its reason and a hint, which may be NULL, on standard error; returns false. */
static bool
preflight_fail(const char *failure, const char *reason, const char *hint)
{
	int length = (int) strlen(reason);

	while (length > 0 && reason[length - 1] == '\n')
		length--;
	fprintf(stderr, "herald-bridge: %s: %.*s%s%s\n", failure, length, reason, hint ? "\n  " : "", hint ? hint : "");
	return false;
}

bool
preflight_conninfo(const char *conninfo)
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &error);
	bool good = options != NULL;

	if (!good)
		preflight_fail("database: invalid connection string", error ? error : "out of memory",
					   "An example: host=127.0.0.1 dbname=app user=my_bridge");
	PQconninfoFree(options);
	PQfreemem(error);
	return good;
}

static bool
run_trial(PGconn *connection, const char *sql, const char *hint)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);
	bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;

	if (!good)
		preflight_fail("database", PQresultErrorMessage(result), hint);
	PQclear(result);
	return good;
}

/* The trials run under the settings under which the bridge works. */
static bool
accepts_settings(PGconn *connection)
{
	static const char *const limit[] = { "10000" };
	PGresult *result = PQexecParams(connection, session_settings_sql, 1, NULL, limit, NULL, NULL, 0);
	bool good = PQresultStatus(result) == PGRES_TUPLES_OK;

	if (!good)
		preflight_fail("database: the server refuses the settings of the session", PQresultErrorMessage(result), NULL);
	PQclear(result);
	return good;
}

static bool
has_extension(PGconn *connection)
{
	PGresult *result = PQexec(connection, "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_herald'");
	bool there = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

	PQclear(result);
	return there || preflight_fail("database", "the extension pg_herald is not installed in this database",
								   REFUSAL_EXTENSION_HINT);
}

static bool
may_execute(PGconn *connection)
{
	static const char *const trials[] = {
		"SELECT * FROM herald_internal.bridge_hello()",
		"SELECT * FROM herald_internal.status()",
		"SELECT * FROM herald.read_events(herald.current_position())",
		"SELECT * FROM herald_internal.connect_sessions('{}', '{}', '{}', '{}')",
		"LISTEN " DOORBELL_CHANNEL,
	};

	for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++)
	{
		if (!run_trial(connection, trials[i], REFUSAL_ROLE_HINT))
			return false;
	}
	return true;
}

/* Waits until the answer to a query is there, but not for ever. */
static bool
preflight_wait(PGconn *connection)
{
	struct pollfd socket = { .fd = PQsocket(connection), .events = POLLIN };

	while (PQisBusy(connection))
	{
		if (poll(&socket, 1, ANSWER_PATIENCE_MS) <= 0 || !PQconsumeInput(connection))
			return false;
	}
	return true;
}

/* Does the server answer a query in time? */
static bool
is_answered(PGconn *connection)
{
	PGresult *result = NULL;
	bool answered = false;

	if (PQsendQuery(connection, "SELECT 1") && preflight_wait(connection))
		result = PQgetResult(connection);
	answered = PQresultStatus(result) == PGRES_TUPLES_OK;
	PQclear(result);
	while (answered && (result = PQgetResult(connection)) != NULL)
		PQclear(result);
	return answered;
}

/* Waits until a notification arrives, but not for ever. */
static bool
preflight_hears(PGconn *connection)
{
	struct pollfd socket = { .fd = PQsocket(connection), .events = POLLIN };
	PGnotify *notification;

	while ((notification = PQnotifies(connection)) == NULL)
	{
		if (poll(&socket, 1, ANSWER_PATIENCE_MS) <= 0 || !PQconsumeInput(connection))
			return false;
	}
	PQfreemem(notification);
	return true;
}

/* Does a NOTIFY of another connection reach this one?  Its channel is this test's own. */
static bool
hears_notify(PGconn *connection, const char *conninfo)
{
	PGconn *other = hosts_connect_and_wait(conninfo);
	char command[64];
	bool hears;

	snprintf(command, sizeof(command), "LISTEN herald_check_%d", (int) getpid());
	PQclear(PQexec(connection, command));
	snprintf(command, sizeof(command), "NOTIFY herald_check_%d", (int) getpid());
	PQclear(PQexec(other, command));
	hears = preflight_hears(connection);
	PQfinish(other);
	return hears;
}

/* A pooler that pools sessions does no harm; one that pools transactions loses every LISTEN. */
static bool
has_session(PGconn *connection, const char *conninfo)
{
	if (!is_answered(connection))
		return preflight_fail("database",
							  PQerrorMessage(connection)[0] ? PQerrorMessage(connection) : "a query gets no answer in time",
							  "If a connection pooler is in front of the server, check that the server runs.");
	if (hears_notify(connection, conninfo))
		return true;
	return preflight_fail("database", DOORBELL_DEAF, DOORBELL_DEAF_HINT);
}

bool
preflight_database(const char *conninfo)
{
	PGconn *connection = hosts_connect_and_wait(conninfo);
	bool good = PQstatus(connection) == CONNECTION_OK;

	if (!good)
		preflight_fail("database: cannot connect", PQerrorMessage(connection), HOSTS_REFUSED_HINT);
	good = good && has_session(connection, conninfo) &&
		   accepts_settings(connection) && has_extension(connection) && may_execute(connection);
	PQfinish(connection);
	return good;
}

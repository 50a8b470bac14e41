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

/* Returns the process id of the server's backend that answers now; 0 if none does in time. */
static int
answering_backend(PGconn *connection)
{
	PGresult *result = NULL;
	int backend = 0;

	if (PQsendQuery(connection, "SELECT pg_catalog.pg_backend_pid()") && preflight_wait(connection))
		result = PQgetResult(connection);
	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		backend = atoi(PQgetvalue(result, 0, 0));
	PQclear(result);
	while (backend != 0 && (result = PQgetResult(connection)) != NULL)
		PQclear(result);
	return backend;
}

/* While another client is in a transaction, does the same backend still answer this one? */
static bool
keeps_backend(PGconn *connection, const char *conninfo, int backend)
{
	PGconn *other = hosts_connect_and_wait(conninfo);
	bool keeps;

	PQclear(PQexec(other, "BEGIN"));
	PQclear(PQexec(other, "SELECT 1"));
	keeps = answering_backend(connection) == backend;
	PQfinish(other);
	return keeps;
}

/*
 * A pooler announces a process id of its own when a client connects.  One that pools
 * sessions does no harm; one that pools transactions loses every LISTEN.
 */
static bool
has_session(PGconn *connection, const char *conninfo)
{
	int backend = answering_backend(connection);

	if (backend == 0)
		return preflight_fail("database",
							  PQerrorMessage(connection)[0] ? PQerrorMessage(connection) : "a query gets no answer in time",
							  "If a connection pooler is in front of the server, check that the server runs.");
	if (backend == PQbackendPID(connection) || keeps_backend(connection, conninfo, backend))
		return true;
	return preflight_fail("database", "a connection pooler in front of the server shares backends between transactions",
						  "LISTEN needs a session: connect to the server itself, or set pool_mode = session.");
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

/*-------------------------------------------------------------------------
 *
 * preflight.c
 *	  Says before the start what would not work with the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/preflight.h"

#include <libpq-fe.h>
#include <stdio.h>

static bool
complain(const char *what, const char *why, const char *hint)
{
	fprintf(stderr, "herald-bridge: %s: %s%s%s\n", what, why, hint ? "\n  " : "", hint ? hint : "");
	return false;
}

bool
preflight_conninfo(const char *conninfo)
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &error);
	bool good = options != NULL;

	if (!good)
		complain("database: no connection string", error ? error : "out of memory", "for example: host=127.0.0.1 dbname=app user=my_bridge");
	PQconninfoFree(options);
	PQfreemem(error);
	return good;
}

static bool
check_query(PGconn *connection, const char *sql, const char *what, const char *hint)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);
	bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;

	if (!good)
		complain(what, PQresultErrorMessage(result), hint);
	PQclear(result);
	return good;
}

static bool
check_extension(PGconn *connection)
{
	PGresult *result = PQexec(connection, "SELECT extversion FROM pg_extension WHERE extname = 'pg_herald'");
	bool there = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

	PQclear(result);
	return there || complain("database", "the extension pg_herald is not in this database", "as its owner: CREATE EXTENSION pg_herald");
}

static bool
check_functions(PGconn *connection)
{
	static const char *const trials[] = {
		"SELECT * FROM herald.bridge_hello()",
		"SELECT * FROM herald.read_events(herald.current_position())",
		"SELECT * FROM herald.connect_sessions('{}', '{}', '{}', '{}')",
		"LISTEN herald",
		"LISTEN herald_signal",
	};

	for (size_t i = 0; i < sizeof(trials) / sizeof(*trials); i++)
	{
		if (!check_query(connection, trials[i], "database", "this role must be a member of herald_bridge: GRANT herald_bridge TO ..."))
			return false;
	}
	return true;
}

bool
preflight_database(const char *conninfo)
{
	static const char *const keywords[] = { "target_session_attrs", "dbname", NULL };
	const char *const values[] = { "read-write", conninfo, NULL };
	PGconn *connection = PQconnectdbParams(keywords, values, 1);
	bool good = PQstatus(connection) == CONNECTION_OK;

	if (!good)
		complain("database: cannot connect", PQerrorMessage(connection), NULL);
	good = good && check_extension(connection) && check_functions(connection);
	PQfinish(connection);
	return good;
}

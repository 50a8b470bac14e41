/*-------------------------------------------------------------------------
 *
 * hosts.c
 *	  Connects to one of the servers that a connection string names.
 *
 * libpq tries the servers one after another by itself, but it goes on only when a
 * server has answered.  A server that hangs, or a machine that is gone, would block it
 * for ever.  So the bridge gives libpq one server at a time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char *
find_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options != NULL && options->keyword != NULL; options++)
	{
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	}
	return NULL;
}

/* Returns an option of the string or else of the environment; the caller frees it. */
static char *
read_option(const char *conninfo, const char *keyword)
{
	PQconninfoOption *given = PQconninfoParse(conninfo, NULL);
	PQconninfoOption *presets = PQconndefaults();
	const char *value = find_value(given, keyword);
	char *copy;

	if (value == NULL)
		value = find_value(presets, keyword);
	copy = memory_copy(value != NULL ? value : "");
	PQconninfoFree(given);
	PQconninfoFree(presets);
	return copy;
}

static int
count_elements(const char *list)
{
	int count = 1;

	while ((list = strchr(list, ',')) != NULL)
	{
		list++;
		count++;
	}
	return count;
}

/* Reduces a list to one element; a list of one applies to all servers. */
static char *
choose_host(char *list, int which)
{
	char *from = list;

	if (count_elements(list) == 1)
		return list;
	while (which-- > 0 && strchr(from, ','))
		from = strchr(from, ',') + 1;
	memmove(list, from, strlen(from) + 1);
	list[strcspn(list, ",")] = '\0';
	return list;
}

int
hosts_count(const char *conninfo)
{
	char *names = read_option(conninfo, "host");
	char *addresses = read_option(conninfo, "hostaddr");
	int count = count_elements(*addresses ? addresses : names);

	free(names);
	free(addresses);
	return count;
}

PGconn *
hosts_connect(const char *conninfo, int which, const char *name)
{
	char *host = choose_host(read_option(conninfo, "host"), which);
	char *address = choose_host(read_option(conninfo, "hostaddr"), which);
	char *port = choose_host(read_option(conninfo, "port"), which);
	char *application = memory_format("herald-bridge %s", name);
	const char *const keywords[] = { "target_session_attrs", "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
									 "dbname", "client_encoding", "host", "hostaddr", "port", "fallback_application_name", NULL };
	const char *const values[] = { "primary", HOSTS_TCP_USER_TIMEOUT_MS, HOSTS_KEEPALIVES_IDLE_S, HOSTS_KEEPALIVES_INTERVAL_S,
								   conninfo, "UTF8", host, address, port, application, NULL };
	PGconn *connection = PQconnectStartParams(keywords, values, 1);

	if (connection == NULL)
		abort();
	PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
	free(application);
	free(host);
	free(address);
	free(port);
	return connection;
}

/* Returns the place behind the first "severity:  " that a SQLSTATE and ": " follow; NULL if there is none. */
static const char *
find_sqlstate(const char *text)
{
	while ((text = strstr(text, ":  ")) != NULL)
	{
		text += strlen(":  ");
		if (strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == HOSTS_SQLSTATE_SIZE - 1 &&
			strncmp(text + HOSTS_SQLSTATE_SIZE - 1, ": ", 2) == 0)
			return text;
	}
	return NULL;
}

char *
hosts_error(const char *verbose, char *sqlstate)
{
	const char *found = find_sqlstate(verbose);
	const char *rest = found ? found + HOSTS_SQLSTATE_SIZE - 1 + strlen(": ") : verbose;
	const char *location = found ? strstr(rest, "\nLOCATION:") : NULL;

	sqlstate[0] = '\0';
	if (found != NULL)
		snprintf(sqlstate, HOSTS_SQLSTATE_SIZE, "%s", found);
	return memory_format("%.*s%.*s", found ? (int) (found - verbose) : 0, verbose,
						 location ? (int) (location - rest) : (int) strlen(rest), rest);
}

PGconn *
hosts_connect_and_wait(const char *conninfo)
{
	static const char *const keywords[] = { "target_session_attrs", "connect_timeout", "dbname", "client_encoding", NULL };
	const char *const values[] = { "primary", "10", conninfo, "UTF8", NULL };
	PGconn *connection = PQconnectdbParams(keywords, values, 1);

	if (connection == NULL)
		abort();
	return connection;
}

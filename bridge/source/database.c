/*-------------------------------------------------------------------------
 *
 * database.c
 *	  A connection to PostgreSQL that never blocks and always comes back.
 *
 * One query runs at a time, the others queue.  When the connection is lost every
 * query is answered with NULL, once; whoever asked knows best whether to ask
 * again.  A server that does not answer in time is as good as lost.
 *
 * All connections are with one server.  When one of them finds that another
 * takes writes, the rest goes there, too: what two servers say of transactions
 * does not fit together.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/database.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "source/hosts.h"
#include "source/preflight.h"
#include "source/watcher.h"

#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 5000
#define LONGEST_CONNECT_MS 10000

/* All connections are refused for the same reasons: the log says each of the latest ones once in this time. */
#define REFUSALS_KEPT 4
#define REFUSAL_INTERVAL_MS 60000

/* The server cancels a query that takes too long.  After as much time again, but no more than this, it is silent. */
#define LONGEST_SILENCE_MS 5000

/*
 * A server does not notice by itself that a bridge has vanished: its side of the connection would stay for hours.
 * And it must not compile: without statistics it thinks that a second of that pays for a query of a millisecond.
 */
static const char settings_sql[] =
	"SELECT set_config('statement_timeout', $1, false), set_config('jit', 'off', false), set_config('tcp_keepalives_idle', '10', false),"
	" set_config('tcp_keepalives_interval', '5', false), set_config('tcp_user_timeout', '10000', false)";

typedef struct Query
{
	char *sql;
	int count;
	char **values;
	DatabaseAnswer answer;
	void *context;
	struct Query *next;
	struct Query *prev;
} Query;

typedef enum DatabaseState
{
	DATABASE_PAUSING,
	DATABASE_CONNECTING,
	DATABASE_CONNECTED
} DatabaseState;

struct Database
{
	const char *name;
	char *conninfo;
	long limit; /* milliseconds for a query */
	const DatabaseEvents *events;
	void *context;
	DatabaseState state;
	PGconn *connection;
	Watcher watcher;
	Query *queries; /* the first one is running when "busy" */
	bool busy;
	int load;
	bool was_connected;
	int host;
	int tried; /* how many hosts, since the last connection was lost */
	long pause;
	Timer timer; /* until the next attempt, or for an answer to this one or to a query */
	char *error;
	struct Database *next;
	struct Database *prev;
};

/* A reason for which a server refused a connection, and when the log said so. */
typedef struct Refusal
{
	char *reason;
	uint64_t logged_at;
} Refusal;

/* All connections of the process. */
static struct
{
	Database *first;
	int latest_host; /* the one that took writes last */
	Refusal refusals[REFUSALS_KEPT];
} databases;

static void begin_connecting(void *context);
static void send_next(Database *database);
static void serve(Database *database);

static void
free_query(Query *query)
{
	for (int i = 0; i < query->count; i++)
		free(query->values[i]);
	free(query->values);
	free(query->sql);
	free(query);
}

/* Takes the first query off the queue and answers it. */
static void
answer_first(Database *database, const PGresult *result)
{
	Query *query = database->queries;

	DL_DELETE(database->queries, query);
	database->busy = false;
	database->load--;
	query->answer(query->context, result);
	free_query(query);
}

static void on_socket(void *context);

static void
watch(Database *database, int events)
{
	watcher_start(&database->watcher, PQsocket(database->connection), events, on_socket, database);
}

static void
note_error(Database *database, const char *text)
{
	free(database->error);
	database->error = memory_copy(text);
	for (char *end = database->error + strlen(database->error); end > database->error && end[-1] == '\n';)
		*--end = '\0';
}

/* Between rounds through all servers; with jitter, so that many bridges do not all come back in the same instant. */
static uint64_t
next_pause(Database *database)
{
	long pause = database->pause;

	if (database->tried % hosts_count(database->conninfo) > 0)
		return 0;
	database->pause = pause * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : pause * 2;
	return (uint64_t) (pause / 2 + random() % (pause / 2 + 1));
}

/* Returns whether the log has not told this reason lately, and takes it for told. */
static bool
is_new_refusal(const char *reason)
{
	Refusal *refusal = databases.refusals;

	for (int i = 0; i < REFUSALS_KEPT; i++)
	{
		Refusal *known = &databases.refusals[i];

		if (known->reason != NULL && strcmp(known->reason, reason) == 0)
		{
			refusal = known;
			if (loop_now() - known->logged_at < REFUSAL_INTERVAL_MS)
				return false;
			break;
		}
		if (known->logged_at < refusal->logged_at)
			refusal = known;
	}
	free(refusal->reason);
	*refusal = (Refusal){ memory_copy(reason), loop_now() };
	return true;
}

static void
forget_refusals(void)
{
	for (int i = 0; i < REFUSALS_KEPT; i++)
	{
		free(databases.refusals[i].reason);
		databases.refusals[i] = (Refusal){ 0 };
	}
}

/* A connection that was lost is told by itself; refusals while there is none are told once for all. */
static void
log_loss(const Database *database, bool was_connected)
{
	if (was_connected)
		log_warning("database_lost", "connection", database->name, "reason", database->error);
	else if (is_new_refusal(database->error))
		log_warning("database_refused", "reason", database->error, "hint", PREFLIGHT_CONNECT_HINT);
}

static void
lose(Database *database, const char *why)
{
	bool was_connected = database->state == DATABASE_CONNECTED;

	database->tried = was_connected ? 0 : database->tried + 1;
	note_error(database, why);
	log_loss(database, was_connected);
	watcher_stop(&database->watcher);
	PQfinish(database->connection);
	database->connection = NULL;
	database->state = DATABASE_PAUSING;
	timer_start(&database->timer, next_pause(database), begin_connecting, database);
	for (int left = database->load; left > 0; left--)
		answer_first(database, NULL);
	if (was_connected && database->events->lost != NULL)
		database->events->lost(database->context);
}

/* The server that we have found takes writes: whoever is with another one, or tries it, is with the wrong one. */
static void
go_along(int host)
{
	Database *database;

	databases.latest_host = host;
	DL_FOREACH(databases.first, database)
	{
		if (database->state != DATABASE_PAUSING && database->host != host)
			lose(database, "another server has become the primary");
		if (database->state == DATABASE_PAUSING)
			database->tried = 0;
	}
}

static void
on_silence(void *context)
{
	lose(context, "no answer in time");
}

static void
on_settings(void *context, const PGresult *result)
{
	Database *database = context;

	if (result != NULL && PQresultStatus(result) != PGRES_TUPLES_OK)
		log_warning("settings_refused", "connection", database->name, "reason", PQresultErrorMessage(result));
}

static void
send_settings(Database *database)
{
	char limit[24];
	const char *const values[] = { limit };

	snprintf(limit, sizeof(limit), "%ld", database->limit);
	database_query(database, settings_sql, 1, values, on_settings, database);
}

static void
become_connected(Database *database)
{
	timer_stop(&database->timer);
	PQsetnonblocking(database->connection, 1);
	database->state = DATABASE_CONNECTED;
	database->pause = FIRST_PAUSE_MS;
	if (database->was_connected)
		metrics.database_reconnects++;
	database->was_connected = true;
	forget_refusals();
	log_info("database_connected", "connection", database->name, "host", PQhost(database->connection));
	go_along(database->host);
	send_settings(database);
	if (database->events->connected != NULL)
		database->events->connected(database->context);
	serve(database);
}

static void
go_on_connecting(Database *database)
{
	PostgresPollingStatusType status = PQconnectPoll(database->connection);

	watcher_stop(&database->watcher);
	if (status == PGRES_POLLING_OK)
		become_connected(database);
	else if (status == PGRES_POLLING_FAILED)
		lose(database, PQerrorMessage(database->connection));
	else
		watch(database, status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE);
}

static uint64_t
shorter_of(long one, long other)
{
	return (uint64_t) (one < other ? one : other);
}

static void
begin_connecting(void *context)
{
	Database *database = context;
	char *name = memory_format("herald-bridge %s", database->name);

	database->host = (databases.latest_host + database->tried) % hosts_count(database->conninfo);
	database->connection = hosts_connect(database->conninfo, database->host, name);
	free(name);
	if (PQstatus(database->connection) == CONNECTION_BAD)
	{
		lose(database, PQerrorMessage(database->connection));
		return;
	}
	database->state = DATABASE_CONNECTING;
	timer_start(&database->timer, shorter_of(database->limit, LONGEST_CONNECT_MS), on_silence, database);
	watch(database, UV_WRITABLE);
}

/* Notices of the server are events of the log, not lines on standard error. */
static void
on_notice(void *context, const PGresult *notice)
{
	Database *database = context;

	log_warning("database_notice", "connection", database->name, "message",
				PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
}

static void
send_next(Database *database)
{
	Query *query = database->queries;

	if (query == NULL || database->busy || database->state != DATABASE_CONNECTED)
		return;
	PQsetNoticeReceiver(database->connection, on_notice, database);
	if (!PQsendQueryParams(database->connection, query->sql, query->count, NULL, (const char *const *) query->values,
						   NULL, NULL, 0))
	{
		lose(database, PQerrorMessage(database->connection));
		return;
	}
	database->busy = true;
	timer_start(&database->timer, shorter_of(2 * database->limit, database->limit + LONGEST_SILENCE_MS), on_silence,
				database);
	metrics.database_queries++;
	watch(database, PQflush(database->connection) > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void
take_notifications(Database *database)
{
	bool notified = false;
	PGnotify *notification;

	if (database->events->notified == NULL)
		return; /* it listens to nothing */
	while ((notification = PQnotifies(database->connection)) != NULL)
	{
		notified = true;
		database->events->notified(database->context, notification);
		PQfreemem(notification);
	}
	if (notified)
		database->events->notified(database->context, NULL);
}

/* Takes the results that are there; false: the connection was lost on the way. */
static bool
take_results(Database *database)
{
	PGconn *connection = database->connection;

	while (database->busy && !PQisBusy(connection))
	{
		PGresult *result = PQgetResult(connection);
		PGresult *rest;

		while ((rest = PQgetResult(connection)) != NULL)
			PQclear(rest);
		if (PQstatus(connection) == CONNECTION_BAD)
		{
			PQclear(result);
			return false;
		}
		timer_stop(&database->timer);
		answer_first(database, result);
		PQclear(result);
		if (database->connection != connection)
			return true; /* the answer's taker has reset it */
		send_next(database);
	}
	return true;
}

/* Takes what the server has said. */
static void
serve(Database *database)
{
	PGconn *connection = database->connection;

	if (!PQconsumeInput(connection) || !take_results(database))
	{
		lose(database, PQerrorMessage(connection));
		return;
	}
	if (database->connection != connection || database->state != DATABASE_CONNECTED)
		return;
	take_notifications(database);
	if (database->connection == connection && database->state == DATABASE_CONNECTED)
		watch(database, PQflush(connection) > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void
on_socket(void *context)
{
	Database *database = context;

	if (database->state == DATABASE_CONNECTING)
		go_on_connecting(database);
	else
		serve(database);
}

Database *
database_open(const char *name, const char *conninfo, long limit, const DatabaseEvents *events, void *context)
{
	Database *database = memory_new(sizeof(Database));

	database->name = name;
	database->conninfo = memory_copy(conninfo);
	database->limit = limit;
	database->events = events;
	database->context = context;
	database->pause = FIRST_PAUSE_MS;
	database->error = memory_copy("");
	DL_APPEND(databases.first, database);
	timer_start(&database->timer, 0, begin_connecting, database);
	return database;
}

bool
database_is_connected(const Database *database)
{
	return database->state == DATABASE_CONNECTED;
}

int
database_load(const Database *database)
{
	return database->load;
}

void
database_query(Database *database, const char *sql, int count, const char *const *values, DatabaseAnswer answer,
			   void *context)
{
	Query *query;

	if (database->state != DATABASE_CONNECTED)
	{
		answer(context, NULL);
		return;
	}
	query = memory_new(sizeof(Query));
	query->sql = memory_copy(sql);
	query->count = count;
	query->values = memory_new(sizeof(char *) * (size_t) count);
	for (int i = 0; i < count; i++)
		query->values[i] = memory_copy(values[i]);
	query->answer = answer;
	query->context = context;
	DL_APPEND(database->queries, query);
	database->load++;
	send_next(database);
}

void
database_reset(Database *database, const char *why)
{
	if (database->state != DATABASE_PAUSING)
		lose(database, why);
}

void
database_close(Database *database)
{
	DL_DELETE(databases.first, database);
	timer_stop(&database->timer);
	watcher_stop(&database->watcher);
	PQfinish(database->connection);
	database->state = DATABASE_PAUSING;
	for (int left = database->load; left > 0; left--)
		answer_first(database, NULL);
	if (databases.first == NULL)
		forget_refusals();
	free(database->error);
	free(database->conninfo);
	free(database);
}

const char *
database_error(const Database *database)
{
	return database->error;
}

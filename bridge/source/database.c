/*-------------------------------------------------------------------------
 *
 * database.c
 *	  A connection to PostgreSQL that never blocks and always reconnects.
 *
 * 1. A connection runs one query, or two that were sent together; the others queue.
 *
 * 2. When it is lost, each query is answered with NULL, once.  The sender decides whether to send it again.
 *
 * 3. A server that does not answer in time counts as lost.
 *
 * 4. All connections of a bridge are to one server, because snapshots of two servers are
 *	  not comparable.  When one finds that another server accepts writes, the others follow.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/database.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "source/attempts.h"
#include "source/hosts.h"
#include "source/query_queue.h"
#include "source/server_refusal.h"
#include "source/session_settings.h"
#include "source/watcher.h"

#define LONGEST_CONNECT_MS 10000

/* The server cancels a query at its limit.  It has as much time again to answer, but no more than this. */
#define LONGEST_SILENCE_MS 5000

typedef enum DatabaseState
{
	DATABASE_PAUSING,
	DATABASE_CONNECTING,
	DATABASE_SETTING_UP, /* the session gets its settings */
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
	QueryQueue queries;
	bool was_connected;
	int host;
	Attempts attempts; /* since the connection was lost */
	Timer timer;	   /* for the next attempt, or the deadline of this one or of a query */
	char *error;
	struct Database *next;
	struct Database *prev;
};

/* All connections of the process. */
static struct
{
	Database *first;
	int latest_host; /* the host that accepted writes last */
} databases;

static void begin_connecting(void *context);
static void send_next(Database *database);
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

/* Logs the loss of each connection, but a refusal once for all of them. */
static void
log_loss(const Database *database)
{
	const char *hint = database->state == DATABASE_SETTING_UP ? SESSION_REFUSED_HINT : HOSTS_REFUSED_HINT;

	if (database->state == DATABASE_CONNECTED)
		log_warning("database_lost", "connection", database->name, "reason", database->error);
	else if (server_refusal_is_new(database->error))
		log_warning("database_refused", "reason", database->error, "hint", hint);
}

static void
end_connection(Database *database)
{
	watcher_stop(&database->watcher);
	PQfinish(database->connection);
	database->connection = NULL;
	database->state = DATABASE_PAUSING;
}

static void
lose(Database *database, const char *why)
{
	bool was_connected = database->state == DATABASE_CONNECTED;

	if (!was_connected)
		attempts_fail(&database->attempts);
	note_error(database, why);
	log_loss(database);
	end_connection(database);
	timer_start(&database->timer, attempts_pause(&database->attempts, database->conninfo), begin_connecting, database);
	query_queue_fail(&database->queries);
	if (was_connected && database->events->lost != NULL)
		database->events->lost(database->context);
}

/* This host accepts writes: connections to other hosts are dropped, and all reconnect to it. */
static void
follow_primary(int host)
{
	Database *database;

	databases.latest_host = host;
	DL_FOREACH(databases.first, database)
	{
		if (database->state != DATABASE_PAUSING && database->host != host)
			lose(database, "another server has become the primary");
		if (database->state == DATABASE_PAUSING)
		{
			database->attempts.failed = 0;
			timer_start(&database->timer, 0, begin_connecting, database);
		}
	}
	attempts_open();
}

static void
on_silence(void *context)
{
	lose(context, "no answer in time");
}

static void
become_connected(Database *database)
{
	database->state = DATABASE_CONNECTED;
	attempts_succeed(&database->attempts);
	if (database->was_connected)
		metrics.database_reconnects++;
	database->was_connected = true;
	server_refusal_forget_all();
	log_info("database_connected", "connection", database->name, "host", PQhost(database->connection));
	follow_primary(database->host);
	if (database->events->connected != NULL)
		database->events->connected(database->context);
}

/* A session without its settings is of no use: a bare name could then mean a function of anybody. */
static void
on_settings(void *context, const PGresult *result)
{
	if (result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK)
		become_connected(context);
	else if (result != NULL)
		lose(context, PQresultErrorMessage(result));
}

static void
set_up(Database *database)
{
	char limit[24];

	timer_stop(&database->timer);
	PQsetErrorVerbosity(database->connection, PQERRORS_DEFAULT);
	PQsetnonblocking(database->connection, 1);
	database->state = DATABASE_SETTING_UP;
	snprintf(limit, sizeof(limit), "%ld", database->limit);
	database_query_next(database, session_settings_sql, 1, (const char *const[]){ limit }, on_settings, database);
}

static void
fail_connecting(Database *database)
{
	char sqlstate[HOSTS_SQLSTATE_SIZE];
	char *why = hosts_error(PQerrorMessage(database->connection), sqlstate);

	attempts_note_refusal(&database->attempts, sqlstate);
	lose(database, why);
	free(why);
}

static void
go_on_connecting(Database *database)
{
	PostgresPollingStatusType status = PQconnectPoll(database->connection);

	watcher_stop(&database->watcher);
	if (status == PGRES_POLLING_OK)
		set_up(database);
	else if (status == PGRES_POLLING_FAILED)
		fail_connecting(database);
	else
		watch(database, status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE);
}

static void
begin_connecting(void *context)
{
	Database *database = context;

	if (!attempts_may_begin(&database->attempts))
		return; /* follow_primary() goes on */
	database->host = (databases.latest_host + database->attempts.failed) % hosts_count(database->conninfo);
	database->connection = hosts_connect(database->conninfo, database->host, database->name);
	if (PQstatus(database->connection) == CONNECTION_BAD)
	{
		fail_connecting(database);
		return;
	}
	database->state = DATABASE_CONNECTING;
	timer_start(&database->timer, (uint64_t) MIN(database->limit, LONGEST_CONNECT_MS), on_silence, database);
	watch(database, UV_WRITABLE);
}

/* Notices of the server become events of the log.  Clients may cause them, as often as they like. */
static void
on_notice(void *context, const PGresult *notice)
{
	static LogLimit limit;

	log_limited(&limit, LOG_LEVEL_WARNING, "database_notice", "connection", ((Database *) context)->name, "message",
				PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
}

/* The server has so much time for the queries that it has: it answers those that were sent together at once. */
static void
expect_answer(Database *database)
{
	long limit = MIN(2 * database->limit, database->limit + LONGEST_SILENCE_MS);

	timer_start(&database->timer, (uint64_t) (limit * database->queries.sent), on_silence, database);
}

static void
send_next(Database *database)
{
	if (!query_queue_has_next(&database->queries) || database->state < DATABASE_SETTING_UP)
		return;
	PQsetNoticeReceiver(database->connection, on_notice, database);
	if (!query_queue_send(&database->queries, database->connection))
	{
		lose(database, PQerrorMessage(database->connection));
		return;
	}
	expect_answer(database);
	metrics.database_queries++;
	watch(database, PQflush(database->connection) > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void
take_notifications(Database *database)
{
	bool notified = false;
	PGnotify *notification;

	if (database->events->notified == NULL)
		return; /* it does not listen */
	while ((notification = PQnotifies(database->connection)) != NULL)
	{
		notified = true;
		database->events->notified(database->context, notification);
		PQfreemem(notification);
	}
	if (notified)
		database->events->notified(database->context, NULL);
}

/* Takes the results that have arrived; false when the connection was lost meanwhile. */
static bool
take_results(Database *database)
{
	PGconn *connection = database->connection;

	while (database->connection == connection && query_queue_read(&database->queries, connection))
	{
		timer_stop(&database->timer);
		query_queue_take(&database->queries);
		if (database->connection != connection)
			return true; /* the receiver of the answer has reset it */
		if (query_queue_is_busy(&database->queries))
			expect_answer(database);
		else
			send_next(database);
	}
	return database->connection != connection || PQstatus(connection) != CONNECTION_BAD;
}

/* Reads from the socket: results, then notifications. */
static void
read_socket(Database *database)
{
	PGconn *connection = database->connection;

	if (!PQconsumeInput(connection) || !take_results(database))
	{
		lose(database, query_queue_error(&database->queries, connection));
		return;
	}
	if (database->connection != connection)
		return;
	take_notifications(database);
	if (database->connection == connection)
		watch(database, PQflush(connection) > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

static void
on_socket(void *context)
{
	Database *database = context;

	if (database->state == DATABASE_CONNECTING)
		go_on_connecting(database);
	else
		read_socket(database);
}

Database *
database_open(const char *name, const char *conninfo, long limit, const DatabaseEvents *events, void *context)
{
	Database *database = memory_new(sizeof(Database));

	assert(name != NULL && conninfo != NULL && limit > 0 && events != NULL);
	database->name = name;
	database->conninfo = memory_copy(conninfo);
	database->limit = limit;
	database->events = events;
	database->context = context;
	database->error = memory_copy("");
	database->queries.times = histogram_of(&metrics_query_times, name, true);
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
	return database->queries.load;
}

/* Returns false without a connection: the query has been answered with NULL. */
static bool
queue_query(Database *database, Query *query)
{
	if (database->state == DATABASE_CONNECTED)
		query_queue_add(&database->queries, query, false);
	else
	{
		query_answer(query, NULL);
		query_free(query);
	}
	return database->state == DATABASE_CONNECTED;
}

void
database_query_with_next(Database *database, const char *sql, int count, const char *const *values, QueryAnswer answer,
						 void *context)
{
	Query *query = query_new(sql, count, values, answer, context);

	query->with_next = true;
	(void) queue_query(database, query);
}

void
database_query(Database *database, const char *sql, int count, const char *const *values, QueryAnswer answer,
			   void *context)
{
	if (queue_query(database, query_new(sql, count, values, answer, context)))
		send_next(database);
}

void
database_query_next(Database *database, const char *sql, int count, const char *const *values, QueryAnswer answer,
					void *context)
{
	assert(database->state >= DATABASE_SETTING_UP && !query_queue_is_busy(&database->queries));
	query_queue_add(&database->queries, query_new(sql, count, values, answer, context), true);
	send_next(database);
}

void
database_reset(Database *database, const char *why)
{
	if (database->state != DATABASE_PAUSING)
		lose(database, why);
}

void
database_leave_server(const char *why)
{
	Database *database;

	DL_FOREACH(databases.first, database)
	database_reset(database, why);
}

void
database_close(Database *database)
{
	DL_DELETE(databases.first, database);
	timer_stop(&database->timer);
	end_connection(database);
	query_queue_fail(&database->queries);
	attempts_free(&database->attempts);
	if (databases.first == NULL)
		server_refusal_forget_all();
	free(database->error);
	free(database->conninfo);
	free(database);
}

const char *
database_error(const Database *database)
{
	return database->error;
}

/*-------------------------------------------------------------------------
 *
 * action.c
 *	  What a client asks for.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/action.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/room.h"
#include "source/database.h"

/* So many actions run at once; an action that takes long delays those behind it, but not the others. */
#define CONNECTIONS 4

/* So many actions of all clients may wait; more are refused. */
#define LONGEST_QUEUE 10000

typedef struct Action
{
	Session *session; /* a reference */
	char *name;
	char *room; /* of room:join */
	char *reference;
	ActionAnswer answer;
} Action;

static const Config *config;
static Database *connections[CONNECTIONS];

static void
end_action(Action *action)
{
	session_release(action->session);
	free(action->name);
	free(action->room);
	free(action->reference);
	free(action);
}

static void
answer_with(Action *action, const char *body)
{
	if (action->session->state != SESSION_GONE)
		action->answer(action->session, action->reference, body);
	end_action(action);
}

static void
answer_data(Action *action, const char *data)
{
	char *body = memory_format("\"ok\":true,\"data\":%s", data);

	answer_with(action, body);
	free(body);
}

static void
answer_error(Action *action, const char *code, const char *message)
{
	json_t *error = json_pack("{s:s?, s:s?}", "code", code, "message", message);
	char *text = json_dumps(error, JSON_COMPACT);
	char *body = memory_format("\"ok\":false,\"error\":%s", text ? text : "null");

	metrics.actions_failed++;
	log_debug("action_failed", "action", action->name, "user", action->session->user, "code", code, "reason", message);
	answer_with(action, body);
	json_decref(error);
	free(text);
	free(body);
}

/* The only value of a good result; otherwise the action is answered with the error, and NULL comes back. */
static const char *
value_or_error(Action *action, const PGresult *result)
{
	if (result == NULL)
		answer_error(action, "unavailable", "The database cannot be reached; it is not known whether the action was done.");
	else if (PQresultStatus(result) != PGRES_TUPLES_OK)
		answer_error(action, PQresultErrorField(result, PG_DIAG_SQLSTATE),
					 PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	else
		return PQgetisnull(result, 0, 0) ? "null" : PQgetvalue(result, 0, 0);
	return NULL;
}

static void
on_done(void *context, const PGresult *result)
{
	Action *action = context;
	const char *value = value_or_error(action, result);

	if (value != NULL)
		answer_data(action, value);
}

/* A membership that ended while the database was asked counts for more than its answer. */
static void
on_join(void *context, const PGresult *result)
{
	Action *action = context;
	Session *session = session_hold(action->session);
	const char *value = value_or_error(action, result);

	session->joining--;
	if (value != NULL && value[0] == 't')
	{
		room_join(session, action->room);
		session_make_changes(session);
		answer_data(action, "{}");
	}
	else if (value != NULL)
		answer_error(action, "forbidden", "There is no such room for this user.");
	session_release(session);
}

static Database *
least_busy(void)
{
	Database *best = connections[0];

	for (int i = 1; i < CONNECTIONS; i++)
	{
		if (database_is_connected(connections[i]) &&
			(!database_is_connected(best) || database_load(connections[i]) < database_load(best)))
			best = connections[i];
	}
	return best;
}

static void
ask_database(Action *action, const char *sql, int count, const char *const *values, DatabaseAnswer answer)
{
	Database *database = least_busy();

	if (database_load(database) > LONGEST_QUEUE / CONNECTIONS)
	{
		if (action->room != NULL)
			action->session->joining--;
		answer_error(action, "busy", "Too many actions are waiting; try again later.");
	}
	else
		database_query(database, sql, count, values, answer, action);
}

static void
join(Action *action, const char *room)
{
	const char *values[] = { action->session->user, room, action->session->key };

	action->room = memory_copy(room);
	action->session->joining++;
	ask_database(action, "SELECT herald.join_room($1, $2, $3)", 3, values, on_join);
}

static void
leave(Action *action, const char *room)
{
	const char *values[] = { action->session->user, room, action->session->key };

	room_leave(action->session, room);
	ask_database(action, "SELECT '{}' FROM herald.leave_room($1, $2, $3)", 3, values, on_done);
}

static void
act(Action *action, const json_t *data)
{
	char *payload = data ? json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY) : memory_copy("{}");
	const char *values[] = { action->session->user, action->name, payload, action->session->claims };

	ask_database(action, "SELECT herald.act($1, $2, $3, $4)", 4, values, on_done);
	free(payload);
}

static void
change_room(Action *action, const json_t *data, void (*change)(Action *action, const char *room))
{
	const char *room = json_string_value(json_object_get(data, "room"));

	if (room == NULL || room[0] == '\0')
		answer_error(action, "bad_request", "The name of a room is missing: {\"room\": \"post:42\"}");
	else
		change(action, room);
}

void
action_ask(Session *session, const char *name, const json_t *data, char *reference, ActionAnswer answer)
{
	Action *action = memory_new(sizeof(Action));

	action->session = session_hold(session);
	action->name = memory_copy(name);
	action->reference = reference;
	action->answer = answer;
	metrics.actions++;
	if (strcmp(name, "ping") == 0)
		answer_data(action, "{}");
	else if (strcmp(name, "room:join") == 0)
		change_room(action, data, join);
	else if (strcmp(name, "room:leave") == 0)
		change_room(action, data, leave);
	else
		act(action, data);
}

static void
on_limited(void *context, const PGresult *result)
{
	(void) context;
	if (result != NULL && PQresultStatus(result) != PGRES_COMMAND_OK)
		log_warning("statement_timeout_not_set", "reason", PQresultErrorMessage(result));
}

static void
on_connected(void *context)
{
	Database **connection = context;
	char *sql = memory_format("SET statement_timeout = %ld", config->action_timeout);

	database_query(*connection, sql, 0, NULL, on_limited, NULL);
	free(sql);
}

static void
on_lost(void *context)
{
	(void) context;
}

void
action_start(const Config *settings)
{
	static const DatabaseEvents events = { on_connected, on_lost, NULL };

	config = settings;
	for (int i = 0; i < CONNECTIONS; i++)
		connections[i] = database_open("actions", config->database, &events, &connections[i]);
}

void
action_stop(void)
{
	for (int i = 0; i < CONNECTIONS; i++)
		database_close(connections[i]);
}

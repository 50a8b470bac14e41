/*-------------------------------------------------------------------------
 *
 * action.c
 *	  What a client asks for.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/action.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/pending_acks.h"
#include "fanout/room.h"
#include "source/database.h"

/* So many actions run at once; an action that takes long delays those behind it, but not the others. */
#define CONNECTIONS 4

/* So many actions of all clients may wait, and so many bytes of them; more are refused. */
#define LONGEST_QUEUE 10000
#define LARGEST_QUEUE (16 * 1024 * 1024)

typedef struct Action
{
	Session *session; /* a reference */
	char *name;
	char *room;	 /* of room:join and room:leave */
	bool asking; /* the database */
	char *reference;
	size_t size; /* of what the database is asked */
	ActionAnswer answer;
} Action;

static const Config *config;
static Database *connections[CONNECTIONS];
static size_t waiting_bytes;

static void
end_action(Action *action)
{
	if (action->asking)
		action->session->asking--;
	waiting_bytes -= action->size;
	session_unref(action->session);
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
	char *error = json_error(code, message);
	char *body = memory_format("\"ok\":false,\"error\":%s", error);

	metrics.actions_failed++;
	log_debug("action_failed", "action", action->name, "user", action->session->user, "code", code, "reason", message);
	answer_with(action, body);
	free(error);
	free(body);
}

/* The only value of a good result, or NULL. */
static const char *
value_or_null(const PGresult *result)
{
	if (result == NULL || PQresultStatus(result) != PGRES_TUPLES_OK)
		return NULL;
	return PQgetisnull(result, 0, 0) ? "null" : PQgetvalue(result, 0, 0);
}

static void
answer_failure(Action *action, const PGresult *result)
{
	if (result == NULL)
		answer_error(action, "unavailable", "The database cannot be reached; it is not known whether the action was done.");
	else
		answer_error(action, PQresultErrorField(result, PG_DIAG_SQLSTATE),
					 PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

static void
on_done(void *context, const PGresult *result)
{
	Action *action = context;
	const char *value = value_or_null(result);

	if (value != NULL)
		answer_data(action, value);
	else
		answer_failure(action, result);
}

/* A membership that ended while the database was asked counts for more than its answer. */
static void
on_join(void *context, const PGresult *result)
{
	Action *action = context;
	Session *session = session_ref(action->session);
	const char *value = value_or_null(result);
	bool joined = value != NULL && value[0] == 't';

	session->joining--;
	if (joined)
		room_join(session, action->room);
	session_make_changes(session);
	if (joined)
		answer_data(action, "{}");
	else if (value != NULL)
		answer_error(action, "forbidden", "There is no such room for this user.");
	else
		answer_failure(action, result);
	session_unref(session);
}

/* An earlier join of the same room may have been answered meanwhile: left is left. */
static void
on_leave(void *context, const PGresult *result)
{
	Action *action = context;

	room_leave(action->session, action->room);
	on_done(action, result);
}

static int
least_busy_lane(void)
{
	int best = 0;

	for (int i = 1; i < CONNECTIONS; i++)
	{
		if (database_is_connected(connections[i]) &&
			(!database_is_connected(connections[best]) ||
			 database_load(connections[i]) < database_load(connections[best])))
			best = i;
	}
	return best;
}

/* Actions of one session are done in the order in which they were asked for; others need not wait for them. */
static void
ask_database(Action *action, const char *sql, int count, const char *const *values, QueryAnswer answer)
{
	Session *session = action->session;

	if (session->asking == 0)
		session->lane = least_busy_lane();
	session->asking++;
	action->asking = true;
	for (int i = 0; i < count; i++)
		action->size += strlen(values[i]);
	waiting_bytes += action->size;
	database_query(connections[session->lane], sql, count, values, answer, action);
}

static void
join(Action *action, const char *room)
{
	const char *values[] = { action->session->user, room, action->session->key };

	action->room = memory_copy(room);
	action->session->joining++;
	ask_database(action, "SELECT herald_internal.join_room($1, $2, $3)", 3, values, on_join);
}

static void
leave(Action *action, const char *room)
{
	const char *values[] = { action->session->user, room, action->session->key };

	action->room = memory_copy(room);
	room_leave(action->session, room);
	ask_database(action, "SELECT '{}' FROM herald_internal.leave_room($1, $2, $3)", 3, values, on_leave);
}

static void
act(Action *action, const json_t *data)
{
	char *payload = data ? json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY) : memory_copy("{}");
	const char *values[] = { action->session->user, action->name, payload, action->session->claims };

	ask_database(action, "SELECT herald_internal.act($1, $2, $3, $4)", 4, values, on_done);
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

static int
waiting(void)
{
	int load = 0;

	for (int i = 0; i < CONNECTIONS; i++)
		load += database_load(connections[i]);
	return load;
}

void
action_submit(Session *session, const char *name, const json_t *data, char *reference, ActionAnswer answer)
{
	Action *action = memory_new(sizeof(Action));

	action->session = session_ref(session);
	action->name = memory_copy(name);
	action->reference = reference;
	action->answer = answer;
	metrics.actions++;
	if (strcmp(name, "ping") == 0)
		answer_data(action, "{}");
	else if (waiting() >= LONGEST_QUEUE || waiting_bytes >= LARGEST_QUEUE)
		answer_error(action, "busy", "Too many actions are waiting; try again later.");
	else if (strcmp(name, "room:join") == 0)
		change_room(action, data, join);
	else if (strcmp(name, "room:leave") == 0)
		change_room(action, data, leave);
	else
		act(action, data);
}

/* Nobody waits for the answer. */
static void
on_acknowledged(Session *session, const char *action, const char *body)
{
	if (strncmp(body, "\"ok\":true", 9) != 0)
		log_warning("ack_failed", "action", action, "user", session->user, "answer", body);
}

static json_t *
list_of(json_t *data)
{
	return json_is_array(data) ? json_incref(data) : data != NULL ? json_pack("[O]", data) :
																	json_array();
}

/* NULL: it is not the id of an event that the session was asked to acknowledge. */
static Event *
take_asked(Session *session, const char *id)
{
	unsigned long number = id ? strtoul(id, NULL, 10) : ULONG_MAX;

	return number <= INT32_MAX ? pending_acks_take(session->pending_acks, (uint32_t) number) : NULL;
}

void
action_acknowledge(Session *session, const char *id, json_t *data)
{
	Event *event = take_asked(session, id);
	json_t *payload;

	if (event == NULL)
	{
		log_debug("ack_ignored", "user", session->user, "ack", id);
		return;
	}
	payload = json_pack("{s:s, s:s, s:o}", "event", event->name, "id", event->id, "data", list_of(data));
	action_submit(session, event->ack, payload, memory_copy(event->ack), on_acknowledged);
	json_decref(payload);
	event_unref(event);
}

void
action_start(const Config *settings)
{
	static const DatabaseEvents events = { NULL };

	config = settings;
	for (int i = 0; i < CONNECTIONS; i++)
		connections[i] = database_open("actions", config->database, config->action_timeout, &events, NULL);
}

void
action_stop(void)
{
	for (int i = 0; i < CONNECTIONS; i++)
		database_close(connections[i]);
}

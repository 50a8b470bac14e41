/*-------------------------------------------------------------------------
 *
 * sse_format.c
 *	  The protocol of server-sent events, as a browser's EventSource reads them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/sse_format.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "fanout/roster.h"
#include "gateway/action.h"
#include "gateway/gateway.h"
#include "protocol/plain_json.h"

/* Delay before a client reconnects; the spread keeps clients of a restarted bridge from coming all at once. */
#define SHORTEST_RETRY_MS 1000
#define RETRY_SPREAD_MS 2000

typedef struct SseClient
{
	Connection *connection;
	Session *session;  /* NULL: refused, or it has left */
	json_t *rooms;	   /* names from the URL; or NULL */
	size_t joined;	   /* number of rooms that the client has asked to join so far */
	char *room_errors; /* text of refused joins, kept until the welcome; or NULL */
	Refusal refusal;   /* if there is no session: the reason */
	Timer heartbeat;
} SseClient;

static SseClient *sse_client_of(const Connection *connection);
static SseClient *sse_client_of_session(const Session *session);

/* A line break would end the field.  In JSON, a blank in its place means the same. */
static void
sse_remove_line_breaks(char *text)
{
	for (text = strpbrk(text, "\r\n"); text != NULL; text = strpbrk(text, "\r\n"))
		*text = ' ';
}

/* Returns the text of one event; takes over the data.  "position" may be NULL. */
static char *
sse_field_text(const char *position, const char *name, char *data)
{
	char *line = memory_copy(name);
	char *text;

	sse_remove_line_breaks(line);
	sse_remove_line_breaks(data);
	text = memory_format("%s%s%sevent: %s\ndata: %s\n\n", position ? "id: " : "", position ? position : "", position ? "\n" : "",
						 line, data);
	free(line);
	free(data);
	return text;
}

static Frame *
sse_encode(const Format *format, const Event *event)
{
	(void) format;
	return frame_of_text(FRAME_RAW, sse_field_text(event->position, event->name, plain_json_event(event, false)));
}

static const Format sse_event_format = { .slot = SLOT_SSE, .encode = sse_encode };

/* Queues a text, which it takes over. */
static void
sse_send(SseClient *client, char *text)
{
	outbox_push_own(&client->connection->outbox, frame_of_text(FRAME_RAW, text));
}

static char *
retry_field(void)
{
	return memory_format("retry: %u\n\n", SHORTEST_RETRY_MS + random_below(RETRY_SPREAD_MS));
}

Frame *
sse_format_farewell(void)
{
	return frame_of_text(FRAME_RAW, retry_field());
}

/* Sends a comment, so that proxies keep the connection open. */
static void
sse_heartbeat(void *context)
{
	SseClient *client = context;

	sse_send(client, memory_copy(":\n\n"));
	timer_start(&client->heartbeat, (uint64_t) client->connection->config->ping_interval, sse_heartbeat, client);
}

static void
sse_welcome(Session *session)
{
	SseClient *client = sse_client_of_session(session);

	sse_send(client, retry_field());
	sse_send(client, sse_field_text(session->cursor.position, "welcome", plain_json_welcome(session)));
	sse_send(client, sse_field_text(NULL, "notification:unread", plain_json_unread(session)));
	if (client->room_errors != NULL)
		sse_send(client, client->room_errors);
	client->room_errors = NULL;
}

static void
sse_dismiss(Session *session, const char *code, const char *message)
{
	SseClient *client = sse_client_of_session(session);

	client->session = NULL;
	roster_leave(session);
	sse_send(client, sse_field_text(NULL, "error", plain_json_error(NULL, code, message)));
	connection_close(client->connection, CLOSE_RESTART, code);
}

static void
add_room_error(SseClient *client, const char *room, const char *code, const char *message)
{
	char *before = client->room_errors;
	char *text = sse_field_text(NULL, "error", plain_json_error(room, code, message));

	client->room_errors = memory_format("%s%s", before ? before : "", text);
	free(before);
	free(text);
}

/* Returns whether a failure is transient, so that the client gets its room later.  A code is an SQLSTATE or ours. */
static bool
is_transient(const char *code)
{
	static const char *const beginnings[] = { "busy", "unavailable", "08", "53", "57P", NULL };

	for (int i = 0; beginnings[i] != NULL; i++)
	{
		if (strncmp(code, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

static void join_next_room(Session *session);

static void
sse_join_answer(Session *session, const char *room, const char *body)
{
	char *text = memory_format("{%s}", body);
	json_t *answer = json_object_from(text, strlen(text));
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_member(error, "code");
	const char *message = json_member(error, "message");

	if (code != NULL && is_transient(code))
		sse_dismiss(session, code, message);
	else
	{
		if (code != NULL)
			add_room_error(sse_client_of_session(session), room, code, message);
		join_next_room(session);
	}
	json_decref(answer);
	free(text);
}

/* Asks for the rooms of the URL one after another; after the last, the session can be welcomed. */
static void
join_next_room(Session *session)
{
	SseClient *client = sse_client_of_session(session);
	const char *room = json_string_value(json_array_get(client->rooms, client->joined++));
	json_t *data;

	if (room == NULL)
	{
		gateway_rooms_joined(session);
		return;
	}
	data = json_pack("{s:s}", "room", room);
	action_submit(session, "room:join", data, memory_copy(room), sse_join_answer);
	json_decref(data);
}

static const SessionOps sse_session_ops = { sse_welcome, sse_dismiss, join_next_room };

static SseClient *
sse_client_of(const Connection *connection)
{
	assert(connection->protocol == &sse_format_protocol);
	return connection->state;
}

static SseClient *
sse_client_of_session(const Session *session)
{
	assert(session->ops == &sse_session_ops);
	return session->protocol;
}

static void
sse_opened(Connection *connection, const Handshake *handshake)
{
	SseClient *client = memory_new(sizeof(SseClient));
	Admission admission = {
		.token = handshake->token,
		.position = handshake->position,
		.from = connection_address(connection),
		.format = &sse_event_format,
		.ops = &sse_session_ops,
		.outbox = &connection->outbox,
		.protocol = client,
	};

	client->connection = connection;
	client->rooms = json_incref(handshake->rooms);
	connection->state = client;
	client->session = gateway_admit(&admission, &client->refusal);
	if (client->session == NULL)
		return;
	connection_admitted(connection);
	timer_start(&client->heartbeat, (uint64_t) connection->config->ping_interval, sse_heartbeat, client);
}

bool
sse_format_admitted(const Connection *connection, Refusal *refusal)
{
	const SseClient *client = sse_client_of(connection);

	*refusal = client->refusal;
	return refusal->code == NULL;
}

static void
sse_closed(Connection *connection)
{
	SseClient *client = sse_client_of(connection);

	timer_stop(&client->heartbeat);
	if (client->session != NULL)
		roster_leave(client->session);
	json_decref(client->rooms);
	free(client->room_errors);
	free(client);
}

const Protocol sse_format_protocol = { .opened = sse_opened, .closed = sse_closed };

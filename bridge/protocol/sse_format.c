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

/* The longest delay that a browser takes, 24 days: the client does not come back by itself. */
#define NO_RETRY_MS INT32_MAX

typedef struct SseClient
{
	Connection *connection;
	Session *session;		   /* NULL: refused, or it has left */
	PendingAdmission *pending; /* of a client whose cookie is being checked; or NULL */
	json_t *rooms;			   /* names from the URL; or NULL */
	Refusal refusal;		   /* the reason why there is no session; without a code: the client may come back */
	char *message;			   /* of the refusal, if the application gave it; or NULL */
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
sse_format_farewell(const Connection *connection)
{
	const char *code = sse_client_of(connection)->refusal.code;
	bool comes_back = code == NULL || strcmp(code, "disconnected") != 0; /* a bad token is refused then */

	return frame_of_text(FRAME_RAW, comes_back ? retry_field() : memory_format("retry: %d\n\n", NO_RETRY_MS));
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
	for (const LeftRoom *room = session->left; room != NULL; room = room->next)
		sse_send(client, sse_field_text(NULL, "error", plain_json_error(room->name, room->reason->code, room->reason->message, 0)));
	session_drop_left(session);
}

/* Notes the reason, which the transport sends. */
static void
sse_note_refusal(SseClient *client, const Refusal *refusal)
{
	free(client->message);
	client->message = memory_copy(refusal->message);
	client->refusal = *refusal;
	client->refusal.message = client->message;
}

static void
sse_dismiss(Session *session, const char *code, const char *message, int64_t wait)
{
	SseClient *client = sse_client_of_session(session);

	client->session = NULL;
	gateway_end(session, code);
	if (gateway_ends_for_good(code))
		sse_note_refusal(client, &(Refusal){ code, message, wait });
	sse_send(client, sse_field_text(NULL, "error", plain_json_error(NULL, code, message, wait)));
	connection_close(client->connection, CLOSE_RESTART, code);
}

static const SessionOps sse_session_ops = { sse_welcome, sse_dismiss };

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
sse_admitted(Session *session)
{
	SseClient *client = sse_client_of_session(session);

	client->pending = NULL;
	client->session = session;
	connection_admitted(client->connection, session->user);
}

static void
sse_refused(void *protocol, const Refusal *refusal)
{
	SseClient *client = protocol;

	client->pending = NULL;
	sse_note_refusal(client, refusal);
	sse_send(client, sse_field_text(NULL, "error", plain_json_error(NULL, refusal->code, refusal->message, 0)));
	connection_close(client->connection, CLOSE_UNAUTHORIZED, refusal->code);
}

static void
sse_opened(Connection *connection, const Handshake *handshake)
{
	static const AdmissionOps answer = { sse_admitted, sse_refused };
	SseClient *client = memory_new(sizeof(SseClient));
	Admission admission = {
		.token = handshake->token,
		.cookie = handshake->cookie,
		.position = handshake->position,
		.rooms = handshake->rooms,
		.from = connection_address(connection),
		.format = &sse_event_format,
		.answer = &answer,
		.ops = &sse_session_ops,
		.outbox = &connection->outbox,
		.protocol = client,
	};

	client->connection = connection;
	connection->state = client;
	client->pending = gateway_admit(&admission);
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
	if (client->pending != NULL)
		gateway_give_up(client->pending);
	if (client->session != NULL)
		gateway_end(client->session, connection_reason(connection));
	free(client->message);
	free(client);
}

const Protocol sse_format_protocol = { .opened = sse_opened, .closed = sse_closed };

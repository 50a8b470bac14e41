/*-------------------------------------------------------------------------
 *
 * plain.c
 *	  JSON text frames over a plain WebSocket.
 *
 * The first frame that a client gets is the welcome, the first that it sends may
 * be its token.  Requests carry an id of the client's, which its answer repeats.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "gateway/action.h"
#include "gateway/gateway.h"
#include "protocol/plain_json.h"
#include "protocol/protocol.h"

/* So many requests may come before the welcome. */
#define MOST_EARLY_REQUESTS 16

typedef struct Plain
{
	Connection *connection;
	Session *session; /* NULL before the token was good; ours until it leaves */
	json_t *early;	  /* requests that came before the welcome, or NULL */
	Timer timer;	  /* until there is a session: its deadline; then: pings */
} Plain;

static Frame *
encode(const Format *format, const Event *event)
{
	return frame_of_text(FRAME_TEXT, plain_json_event(event, format->wants_acks));
}

static const Format plain_format = { .slot = SLOT_PLAIN, .encode = encode, .wants_acks = true };

/* Takes over the text. */
static void
say(Connection *connection, char *text)
{
	outbox_push_own(&connection->outbox, frame_of_text(FRAME_TEXT, text));
}

/* Tells the client why, and ends the connection. */
static void
refuse(Connection *connection, int close_code, const char *code, const char *message)
{
	say(connection, plain_json_error(NULL, code, message));
	connection_close(connection, close_code, code);
}

static void ping(void *context);
static void take_early_requests(Plain *plain);

static void
on_no_pong(void *context)
{
	Plain *plain = context;

	connection_close(plain->connection, CLOSE_GOING_AWAY, "ping_timeout");
}

static void
wait_before_ping(Plain *plain)
{
	timer_start(&plain->timer, (uint64_t) plain->connection->config->ping_interval, ping, plain);
}

/* The library does not tell of a pong that is empty. */
static void
ping(void *context)
{
	Plain *plain = context;

	outbox_push_first(&plain->connection->outbox, frame_new(FRAME_PING, "?", 1));
	timer_start(&plain->timer, (uint64_t) plain->connection->config->ping_timeout, on_no_pong, plain);
}

static void
on_pong(Connection *connection)
{
	Plain *plain = connection->state;

	if (plain->session != NULL)
		wait_before_ping(plain);
}

static void
welcome(Session *session)
{
	Plain *plain = session->protocol;

	say(plain->connection, plain_json_welcome(session));
	say(plain->connection, plain_json_unread(session));
	take_early_requests(plain);
}

static void
dismiss(Session *session, const char *code, const char *message)
{
	Plain *plain = session->protocol;
	bool token = strncmp(code, "token_", 6) == 0;

	plain->session = NULL;
	session_leave(session);
	refuse(plain->connection, token ? CLOSE_UNAUTHORIZED : CLOSE_RESTART, code, message);
}

static const SessionOps session_ops = { welcome, dismiss, NULL };

static void
admit(Plain *plain, const char *token, const char *key, const char *position)
{
	Arrival arrival = {
		.token = token,
		.key = key,
		.position = position,
		.from = connection_address(plain->connection),
		.format = &plain_format,
		.ops = &session_ops,
		.outbox = &plain->connection->outbox,
		.protocol = plain,
	};
	Refusal refusal;

	plain->session = gateway_admit(&arrival, &refusal);
	if (plain->session == NULL)
		refuse(plain->connection, CLOSE_UNAUTHORIZED, refusal.code, refusal.message);
	else
	{
		connection_settle(plain->connection);
		wait_before_ping(plain);
	}
}

static void
on_no_token(void *context)
{
	Plain *plain = context;

	refuse(plain->connection, CLOSE_UNAUTHORIZED, "token_missing", "no token has come in time");
}

static void
opened(Connection *connection, const Handshake *handshake)
{
	Plain *plain = memory_new(sizeof(Plain));

	plain->connection = connection;
	connection->state = plain;
	timer_start(&plain->timer, (uint64_t) connection->config->connect_timeout, on_no_token, plain);
	if (handshake->token != NULL)
		admit(plain, handshake->token, NULL, handshake->position);
}

/* The answer to a request; "id" is whatever JSON the client has sent. */
static void
answer(Session *session, const char *id, const char *body)
{
	Plain *plain = session->protocol;

	if (id != NULL)
		say(plain->connection, memory_format("{\"id\":%s,%s}", id, body));
}

static void
authenticate(Plain *plain, const json_t *data, const char *id)
{
	Refusal refusal;

	if (plain->session == NULL)
		admit(plain, json_member(data, "token"), json_member(data, "sessionId"), json_member(data, "position"));
	else if (gateway_renew(plain->session, json_member(data, "token"), connection_address(plain->connection), &refusal))
		answer(plain->session, id, "\"ok\":true,\"data\":{}");
	else
		plain->session->ops->dismiss(plain->session, refusal.code, refusal.message);
}

/* Requests that come before the welcome wait for it: it is the first that a client gets. */
static void
keep_request(Plain *plain, json_t *request)
{
	if (plain->early == NULL)
		plain->early = json_array();
	if (json_array_size(plain->early) < MOST_EARLY_REQUESTS)
		json_array_append(plain->early, request);
	else
		refuse(plain->connection, CLOSE_UNSUPPORTED, "bad_request", "Too many requests have come before the welcome.");
}

/* False: it is none, or there is nobody yet who was asked. */
static bool
take_ack(Plain *plain, const json_t *request)
{
	const json_t *ack = json_object_get(request, "ack");
	char *id;

	if (!json_is_integer(ack) || plain->session == NULL || plain->session->state == SESSION_ARRIVING)
		return false;
	id = memory_format("%" JSON_INTEGER_FORMAT, json_integer_value(ack));
	action_acknowledge(plain->session, id, json_object_get(request, "data"));
	free(id);
	return true;
}

static void
take_request(Plain *plain, json_t *request)
{
	const char *action = json_member(request, "action");
	json_t *id = json_object_get(request, "id");
	char *reference = id ? json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	const json_t *data = json_object_get(request, "data");

	if (action == NULL)
		refuse(plain->connection, CLOSE_UNSUPPORTED, "bad_request", "A request is a JSON object: {\"id\": 1, \"action\": \"ping\", \"data\": {}}");
	else if (plain->session == NULL && strcmp(action, "auth") != 0)
		refuse(plain->connection, CLOSE_UNAUTHORIZED, "token_missing", "The first request must be auth, with a token.");
	else if (plain->session != NULL && plain->session->state == SESSION_ARRIVING)
		keep_request(plain, request);
	else if (strcmp(action, "auth") == 0)
		authenticate(plain, data, reference);
	else
	{
		action_submit(plain->session, action, data, reference, answer);
		reference = NULL;
	}
	free(reference);
}

static void
take_early_requests(Plain *plain)
{
	json_t *early = plain->early;
	size_t i;
	json_t *request;

	plain->early = NULL;
	json_array_foreach(early, i, request)
	{
		if (plain->session != NULL)
			take_request(plain, request);
	}
	json_decref(early);
}

static void
heard(Connection *connection, const char *text, size_t length)
{
	json_t *request = json_object_from(text, length);

	if (!take_ack(connection->state, request))
		take_request(connection->state, request);
	json_decref(request);
}

static void
heard_binary(Connection *connection, const char *base64, size_t length)
{
	(void) base64;
	(void) length;
	refuse(connection, CLOSE_UNSUPPORTED, "bad_request", "Requests are text frames.");
}

static void
closed(Connection *connection)
{
	Plain *plain = connection->state;

	timer_stop(&plain->timer);
	if (plain->session != NULL)
		session_leave(plain->session);
	json_decref(plain->early);
	free(plain);
}

const Protocol plain_protocol = { opened, heard, heard_binary, on_pong, closed };

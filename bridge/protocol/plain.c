/*-------------------------------------------------------------------------
 *
 * plain.c
 *	  The protocol of a plain WebSocket: JSON text frames.
 *
 * The bridge's first frame is the welcome.  The client's first frame may be its token.
 * A request has an id that the client chooses; its answer repeats the id.
 * docs/protocol.md ("Plain WebSocket") describes all frames.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "fanout/roster.h"
#include "gateway/acknowledgement.h"
#include "gateway/action.h"
#include "gateway/gateway.h"
#include "gateway/limits.h"
#include "protocol/plain_json.h"
#include "base/timer.h"
#include "protocol/connection.h"

/* Requests that may be queued until the welcome. */
#define MAX_EARLY_REQUESTS 16

typedef struct PlainClient
{
	Connection *connection;
	Session *session;		   /* NULL: no valid token yet, or the session has left */
	PendingAdmission *pending; /* of a client whose cookie is being checked; or NULL */
	json_t *early;			   /* texts of requests queued until the welcome, or NULL */
	Timer timer;			   /* deadline of the token; once there is a session, heartbeat */
} PlainClient;

static PlainClient *
plain_of(const Connection *connection)
{
	assert(connection->protocol == &plain_protocol);
	return connection->state;
}

static Frame *
plain_encode(const Format *format, const Event *event)
{
	return frame_of_text(FRAME_TEXT, plain_json_event(event, format->wants_acks));
}

static const Format plain_format = { .slot = SLOT_PLAIN, .encode = plain_encode, .wants_acks = true };

/* Queues a frame of a text, which it takes over. */
static void
plain_send(Connection *connection, char *text)
{
	outbox_push_own(&connection->outbox, frame_of_text(FRAME_TEXT, text));
}

/* Sends the client the reason, and closes the connection. */
static void
plain_refuse(Connection *connection, int close_code, const char *code, const char *message)
{
	plain_send(connection, plain_json_error(NULL, code, message, 0));
	connection_close(connection, close_code, code);
}

/* Does the same for a refusal, which may say when the client may try again. */
static void
plain_end_refused(Connection *connection, const Refusal *refusal)
{
	int close_code = strcmp(refusal->code, "too_many") == 0 ? CLOSE_TOO_MANY :
					 gateway_ends_for_good(refusal->code)	? CLOSE_UNAUTHORIZED :
															  CLOSE_TRY_LATER;

	plain_send(connection, plain_json_error(NULL, refusal->code, refusal->message, refusal->wait));
	connection_close(connection, close_code, refusal->code);
}

/* Does the same for a frame that is not a request. */
static void
plain_reject(Connection *connection, const char *message)
{
	plain_send(connection, plain_json_error(NULL, "bad_request", message, 0));
	connection_reject(connection, CLOSE_UNSUPPORTED, "bad_request");
}

static PlainClient *plain_of_session(const Session *session);
static void plain_ping(void *context);
static void handle_early_requests(PlainClient *plain);
static void plain_text(Connection *connection, const char *text, size_t length);

static void
plain_ping_timeout(void *context)
{
	PlainClient *plain = context;

	connection_close(plain->connection, CLOSE_GOING_AWAY, "ping_timeout");
}

static void
schedule_plain_ping(PlainClient *plain)
{
	timer_start(&plain->timer, (uint64_t) plain->connection->config->ping_interval, plain_ping, plain);
}

/* The ping has a payload, because libwebsockets does not report an empty pong. */
static void
plain_ping(void *context)
{
	PlainClient *plain = context;

	outbox_push_first(&plain->connection->outbox, frame_new(FRAME_PING, "?", 1));
	timer_start(&plain->timer, (uint64_t) plain->connection->config->ping_timeout, plain_ping_timeout, plain);
}

static void
plain_pong(Connection *connection)
{
	PlainClient *plain = plain_of(connection);

	if (plain->session != NULL)
		schedule_plain_ping(plain);
}

static void
plain_welcome(Session *session)
{
	PlainClient *plain = plain_of_session(session);

	plain_send(plain->connection, plain_json_welcome(session));
	plain_send(plain->connection, plain_json_unread(session));
	handle_early_requests(plain);
}

static int
close_code_of(const char *code)
{
	if (strcmp(code, "disconnected") == 0)
		return CLOSE_DISCONNECTED;
	if (strcmp(code, "too_many") == 0)
		return CLOSE_TOO_MANY;
	return gateway_ends_for_good(code) ? CLOSE_UNAUTHORIZED : CLOSE_RESTART;
}

/* The application's own reason is worth more than the code that stands for it. */
static void
plain_dismiss(Session *session, const char *code, const char *message, int64_t wait)
{
	PlainClient *plain = plain_of_session(session);
	int close_code = close_code_of(code);

	plain->session = NULL;
	gateway_end(session, code);
	plain_send(plain->connection, plain_json_error(NULL, code, message, wait));
	connection_close(plain->connection, close_code, close_code == CLOSE_DISCONNECTED ? message : code);
}

static const SessionOps plain_session_ops = { plain_welcome, plain_dismiss };

static PlainClient *
plain_of_session(const Session *session)
{
	assert(session->ops == &plain_session_ops);
	return session->protocol;
}

static void
plain_admitted(Session *session)
{
	PlainClient *plain = plain_of_session(session);

	plain->pending = NULL;
	plain->session = session;
	connection_admitted(plain->connection, session->user);
	schedule_plain_ping(plain);
}

static void
plain_refused(void *protocol, const Refusal *refusal)
{
	PlainClient *plain = protocol;

	plain->pending = NULL;
	plain_end_refused(plain->connection, refusal);
}

static void
plain_admit(PlainClient *plain, const char *token, const char *cookie, const char *key, const char *position)
{
	static const AdmissionOps answer = { plain_admitted, plain_refused };
	Admission admission = {
		.token = token,
		.cookie = cookie,
		.key = key,
		.position = position,
		.from = connection_address(plain->connection),
		.format = &plain_format,
		.answer = &answer,
		.ops = &plain_session_ops,
		.outbox = &plain->connection->outbox,
		.protocol = plain,
	};

	plain->pending = gateway_admit(&admission);
}

static void
plain_token_timeout(void *context)
{
	PlainClient *plain = context;

	plain_refuse(plain->connection, CLOSE_UNAUTHORIZED, "token_missing", "no token has come in time");
}

static void
plain_opened(Connection *connection, const Handshake *handshake)
{
	PlainClient *plain = memory_new(sizeof(PlainClient));

	plain->connection = connection;
	connection->state = plain;
	timer_start(&plain->timer, (uint64_t) connection->config->connect_timeout, plain_token_timeout, plain);
	if (handshake->token != NULL || handshake->cookie != NULL)
		plain_admit(plain, handshake->token, handshake->cookie, handshake->key, handshake->position);
}

/* Answers a request.  "id" is the JSON text that the client sent as its id, or NULL: it wants no answer. */
static void
plain_answer(Session *session, const char *id, const char *body)
{
	PlainClient *plain = plain_of_session(session);

	if (id != NULL)
		plain_send(plain->connection, memory_format("{\"id\":%s,%s}", id, body));
}

static void
authenticate(PlainClient *plain, const json_t *data, const char *id)
{
	Refusal refusal;

	if (plain->session == NULL)
		plain_admit(plain, json_member(data, "token"), NULL, json_member(data, "sessionId"), json_member(data, "position"));
	else if (gateway_renew(plain->session, json_member(data, "token"), connection_address(plain->connection), &refusal))
		plain_answer(plain->session, id, "\"ok\":true,\"data\":{}");
	else
		plain->session->ops->dismiss(plain->session, refusal.code, refusal.message, refusal.wait);
}

/* Returns whether the client is not welcomed yet, but may be. */
static bool
awaits_welcome(const PlainClient *plain)
{
	return plain->pending != NULL || (plain->session != NULL && plain->session->state == SESSION_ARRIVING);
}

/* Queues a request until the welcome, which must be the client's first frame. */
static void
keep_early_request(PlainClient *plain, const char *text, size_t length)
{
	if (plain->early == NULL)
		plain->early = json_array();
	if (json_array_size(plain->early) < MAX_EARLY_REQUESTS)
		json_array_append_new(plain->early, json_stringn_nocheck(text, length));
	else
		plain_reject(plain->connection, "Too many requests have come before the welcome.");
}

/* Returns false if the request is no acknowledgement, or comes before the session was asked for any. */
static bool
handle_plain_ack(PlainClient *plain, const json_t *request)
{
	const json_t *ack = json_object_get(request, "ack");
	char *id;

	if (!json_is_integer(ack) || plain->session == NULL)
		return false;
	id = memory_format("%" JSON_INTEGER_FORMAT, json_integer_value(ack));
	acknowledgement_take(plain->session, id, json_object_get(request, "data"));
	free(id);
	return true;
}

/* Returns the JSON text of a request's id, which the caller frees; NULL: the client wants no answer. */
static char *
reference_of(const json_t *request)
{
	const json_t *id = json_object_get(request, "id");

	return id ? json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static void
reject_request(PlainClient *plain, const json_t *request, const char *reason)
{
	char *reference = reference_of(request);
	char *error = json_error("bad_request", reason);
	char *body = memory_format("\"ok\":false,\"error\":%s", error);

	plain_answer(plain->session, reference, body);
	free(reference);
	free(error);
	free(body);
}

static void
handle_plain_request(PlainClient *plain, json_t *request)
{
	const char *action = json_member(request, "action");
	char *reference = reference_of(request);
	const json_t *data = json_object_get(request, "data");

	if (action == NULL)
		plain_reject(plain->connection, "A request is a JSON object: {\"id\": 1, \"action\": \"ping\", \"data\": {}}");
	else if (plain->session == NULL && strcmp(action, "auth") != 0)
		plain_refuse(plain->connection, CLOSE_UNAUTHORIZED, "token_missing", "The first request must be auth, with a token.");
	else if (strcmp(action, "auth") == 0)
		authenticate(plain, data, reference);
	else
	{
		action_submit(plain->session, action, data, reference, plain_answer);
		reference = NULL;
	}
	free(reference);
}

static void
handle_early_requests(PlainClient *plain)
{
	json_t *early = plain->early;
	size_t i;
	const json_t *text;

	plain->early = NULL;
	json_array_foreach(early, i, text)
	{
		if (plain->session != NULL)
			plain_text(plain->connection, json_string_value(text), json_string_length(text));
	}
	json_decref(early);
}

/* A text that is no object has no members: it is refused like a request without an action. */
static void
plain_text(Connection *connection, const char *text, size_t length)
{
	PlainClient *plain = plain_of(connection);
	const char *refusal;
	json_t *request = json_from_client(text, length, &refusal);

	if (request != NULL && awaits_welcome(plain))
		keep_early_request(plain, text, length);
	else if (refusal != NULL && plain->session != NULL && json_is_object(request))
		reject_request(plain, request, refusal);
	else if (!handle_plain_ack(plain, request))
		handle_plain_request(plain, request);
	json_decref(request);
}

static void
plain_binary(Connection *connection, const char *base64, size_t length)
{
	(void) base64;
	(void) length;
	plain_reject(connection, "Requests are text frames.");
}

static void
plain_closed(Connection *connection)
{
	PlainClient *plain = plain_of(connection);

	timer_stop(&plain->timer);
	if (plain->pending != NULL)
		gateway_give_up(plain->pending);
	if (plain->session != NULL)
		gateway_end(plain->session, connection_reason(connection));
	json_decref(plain->early);
	free(plain);
}

static void
plain_flooded(Connection *connection, int64_t wait)
{
	plain_end_refused(connection, &(Refusal){ "too_many", limits_message(wait), wait });
}

const Protocol plain_protocol = { plain_opened, plain_text, plain_binary, plain_pong, plain_flooded, plain_closed };

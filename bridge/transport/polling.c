/*-------------------------------------------------------------------------
 *
 * polling.c
 *	  The transport of Engine.IO's HTTP long-polling.
 *
 * 1. A GET without a sid opens a session; its response is the open packet.
 * 2. A session has one GET at a time.  The bridge holds it until there are packets, and
 *	  answers with as many as go into one response.  Its headers are freed meanwhile: they
 *	  take more memory than the session.
 * 3. The client sends its packets in POSTs, one at a time.  Each body is handled when it is complete.
 * 4. A session ends when its client closes it, breaks these rules, aborts a request, or
 *	  does not answer pings.  A timer frees it, never the function that ends it: a caller may still use it.
 * 5. After a POST that cannot be served, both the POST and the waiting or next GET get the error.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/polling.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "protocol/engineio.h"
#include "protocol/old_client.h"
#include "transport/http_response.h"
#include "transport/http_request.h"
#include "transport/lws_stream.h"
#include "transport/payload.h"

/* Time that the last packet waits for a GET. */
#define CLOSE_TIMEOUT_MS 5000

typedef struct Poller
{
	Carrier carrier; /* first: a carrier with our transport is cast to its poller */
	Exchange *get;	 /* waits for packets; or NULL */
	Exchange *post;	 /* waits for its body; or NULL */
	Timer end;		 /* frees the poller */
	int close_code;	 /* 0: the session is open */
	char *reason;	 /* of the end; NULL: the session is open */
	HttpError error; /* that ended the session; without a status: none did */
} Poller;

static const Transport polling_transport;

static Poller *
poller_of(Carrier *carrier)
{
	assert(carrier->transport == &polling_transport);
	return (Poller *) carrier;
}

static int
send_ok(struct lws *wsi, const char *origin, const char *type, const char *body, size_t length)
{
	HttpResponse response = {
		.keeps_connection = true, .status = HTTP_STATUS_OK, .type = type, .cross_origin = true, .origin = origin
	};

	return http_response_send(wsi, &response, body, length);
}

/* Takes a request from its session, which does not use it any more.  Returns its connection. */
static struct lws *
detach_exchange(Exchange **slot)
{
	Exchange *exchange = *slot;

	assert(exchange != NULL);
	*slot = NULL;
	exchange->poller = NULL;
	if (exchange->body != NULL)
		budget_give(exchange->announced);
	free(exchange->body);
	exchange->body = NULL;
	return exchange->wsi;
}

static int
attach_exchange(Exchange **slot, Exchange *exchange, Poller *poller, struct lws *wsi)
{
	assert(*slot == NULL);
	exchange->wsi = wsi;
	exchange->poller = poller;
	*slot = exchange;
	return 0;
}

/* Returns the error that ended the session. */
static const HttpError *
poller_error(const Poller *poller)
{
	return poller->error.status != 0 ? &poller->error : &http_error_bad_request;
}

static void
abort_exchange(const Poller *poller, Exchange **slot)
{
	const char *origin = *slot ? (*slot)->origin : NULL;
	struct lws *wsi;

	if (*slot == NULL)
		return;
	wsi = detach_exchange(slot);
	http_response_error(wsi, false, origin, poller_error(poller));
	lws_stream_kill(wsi);
}

static void
end_poller(void *context)
{
	Poller *poller = context;

	abort_exchange(poller, &poller->get);
	abort_exchange(poller, &poller->post);
	connection_end(poller->carrier.connection);
	free(poller->reason);
	free(poller);
}

static void
polling_flush(Carrier *carrier)
{
	Poller *poller = poller_of(carrier);

	if (poller->get != NULL)
		lws_callback_on_writable(poller->get->wsi);
}

/* Answers the last GET of a session that has ended with an error. */
static int
fail_get(Poller *poller)
{
	const char *origin = poller->get->origin;

	outbox_sent(&poller->carrier.connection->outbox, poller->carrier.connection->outbox.count);
	timer_start(&poller->end, 0, end_poller, poller);
	return http_response_error(detach_exchange(&poller->get), true, origin, &poller->error);
}

static int
answer_get(Poller *poller)
{
	Outbox *outbox = &poller->carrier.connection->outbox;
	const char *origin = poller->get->origin;
	char *payload;
	size_t length;
	int result;

	if (poller->error.status != 0)
		return fail_get(poller);
	if (outbox->count == 0)
		return 0;
	payload = payload_take(outbox, &length);
	if (poller->close_code != 0 && outbox->count == 0)
		timer_start(&poller->end, 0, end_poller, poller);
	result = send_ok(detach_exchange(&poller->get), origin, "text/plain; charset=UTF-8", payload, length);
	free(payload);
	return result;
}

static int
answer_post(Poller *poller)
{
	struct lws *wsi = detach_exchange(&poller->post);

	if (poller->carrier.connection->closing && poller->close_code != CLOSE_NORMAL)
		return http_response_error(wsi, true, NULL, poller_error(poller));
	return send_ok(wsi, NULL, "text/html", "ok", 2);
}

int
polling_answer(Exchange *exchange)
{
	Poller *poller = exchange->poller;

	if (poller == NULL)
		return 0;
	if (exchange == poller->get)
		return answer_get(poller);
	return exchange->complete ? answer_post(poller) : 0;
}

static void
polling_cut(Carrier *carrier)
{
	Poller *poller = poller_of(carrier);

	timer_start(&poller->end, 0, end_poller, poller);
}

/* A client that is gone gets no packet; one that closed the session gets a NOOP as the response to its last GET. */
static void
polling_close(Carrier *carrier, int code, const char *reason)
{
	Poller *poller = poller_of(carrier);
	char packet = code == CLOSE_NORMAL ? ENGINE_NOOP : ENGINE_CLOSE;

	log_debug("poller_closed", "reason", reason);
	poller->close_code = code;
	poller->reason = memory_copy(reason);
	timer_start(&poller->end, code == CLOSE_GOING_AWAY ? 0 : CLOSE_TIMEOUT_MS, end_poller, poller);
	if (code != CLOSE_GOING_AWAY)
		outbox_push_last(&carrier->connection->outbox, frame_new(FRAME_TEXT, &packet, 1));
}

static void
polling_release_poll(Carrier *carrier)
{
	static const char packet = ENGINE_NOOP;
	Outbox *outbox = &carrier->connection->outbox;

	if (poller_of(carrier)->get != NULL && outbox->count == 0)
		outbox_push_own(outbox, frame_new(FRAME_TEXT, &packet, 1));
}

static const Transport polling_transport = { polling_flush, polling_cut, polling_close, polling_release_poll, "polling", &metrics.polling };

static Poller *
open_poller(struct lws *wsi)
{
	Poller *poller = memory_new(sizeof(Poller));
	HttpRequest request = { 0 };
	Handshake handshake;

	http_request_read(&request, wsi);
	handshake = http_request_handshake(&request);
	snprintf(poller->carrier.peer, sizeof(poller->carrier.peer), "%s", handshake.peer);
	log_debug("connected", "peer", poller->carrier.peer);
	poller->carrier.transport = &polling_transport;
	connection_open(&poller->carrier, http_request_config(wsi), &engineio_protocol, &handshake);
	http_request_reset(&request);
	return poller;
}

/* Ends the session with an error: the waiting or next GET gets it, and a POST whose body has not come yet. */
static void
fail_poller(Poller *poller, const HttpError *error)
{
	poller->error = *error;
	polling_flush(&poller->carrier);
}

/* Refuses a POST, and ends its session. */
static int
refuse_post(Poller *poller, struct lws *wsi, const HttpError *error)
{
	connection_reject(poller->carrier.connection, CLOSE_PROTOCOL_ERROR, error->message);
	fail_poller(poller, error);
	return http_response_error(wsi, false, NULL, error);
}

/* The GET that waits gets the last packet. */
static int
refuse_get(Poller *poller, struct lws *wsi)
{
	connection_reject(poller->carrier.connection, CLOSE_PROTOCOL_ERROR, "second GET beside a waiting one");
	return http_response_error(wsi, false, NULL, &http_error_bad_request);
}

static int
begin_get(Poller *poller, Exchange *exchange, struct lws *wsi)
{
	if (poller->get != NULL)
		return refuse_get(poller, wsi);
	exchange->origin = http_request_copy_origin(wsi);
	lws_http_headers_detach(wsi);
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	outbox_wake(&poller->carrier.connection->outbox);
	return attach_exchange(&poller->get, exchange, poller, wsi);
}

static bool
is_binary(struct lws *wsi)
{
	char type[64];

	return lws_hdr_copy(wsi, type, sizeof(type), WSI_TOKEN_HTTP_CONTENT_TYPE) > 0 && strcmp(type, "application/octet-stream") == 0;
}

static int
begin_post(Poller *poller, Exchange *exchange, struct lws *wsi)
{
	static const HttpError too_large = { HTTP_STATUS_REQ_ENTITY_TOO_LARGE, "3", "Payload too large", NULL };
	static const HttpError needs_session = { HTTP_STATUS_REQ_ENTITY_TOO_LARGE, "3", "Payload too large: 32 kB without a session", NULL };
	static const HttpError busy = { HTTP_STATUS_SERVICE_UNAVAILABLE, "3", "Too much is waiting", NULL };
	static const HttpError no_length = { HTTP_STATUS_LENGTH_REQUIRED, "3", "Length required", NULL };
	static const HttpError second = { HTTP_STATUS_BAD_REQUEST, "3", "Bad request: second POST beside another one", NULL };
	static const HttpError binary = { HTTP_STATUS_BAD_REQUEST, "3", "Bad request: the body is binary", NULL };
	long length = http_request_body_length(wsi);
	const char *reason;
	int code;

	if (poller->post != NULL)
		return refuse_post(poller, wsi, &second);
	if (is_binary(wsi))
		return refuse_post(poller, wsi, &binary);
	if (length < 0)
		return refuse_post(poller, wsi, &no_length);
	code = connection_check_message(poller->carrier.connection, (size_t) length, &reason);
	if (code == CLOSE_TOO_BIG)
		return refuse_post(poller, wsi, length > http_request_config(wsi)->max_payload ? &too_large : &needs_session);
	if (code != 0)
		return refuse_post(poller, wsi, &busy);
	if (!http_response_continue(wsi))
		return -1;
	exchange->announced = (size_t) length;
	budget_take(exchange->announced);
	exchange->body = memory_new(exchange->announced);
	return attach_exchange(&poller->post, exchange, poller, wsi);
}

/* Answers a client of Engine.IO 3 in its own protocol, because it ignores the body of a refused request. */
static int
refuse_old_client(struct lws *wsi)
{
	HttpResponse response = { .status = HTTP_STATUS_OK, .type = "text/plain; charset=UTF-8", .cross_origin = true };
	char *payload = old_client_payload();
	int result = http_response_send(wsi, &response, payload, strlen(payload));

	metrics.connections_refused++;
	log_debug("refused", "reason", OLD_CLIENT_MESSAGE);
	free(payload);
	return result;
}

/* Returns the session of a request that http_request_check_poll() has accepted, or opens one. */
static Poller *
find_or_open_poller(struct lws *wsi)
{
	char *sid = http_request_argument(wsi, "sid");
	EngineIo *engine = sid ? engineio_find(sid) : NULL;

	free(sid);
	return engine ? poller_of(engine->connection->carrier) : open_poller(wsi);
}

int
polling_begin(Exchange *exchange, struct lws *wsi)
{
	bool is_post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
	const HttpError *error = http_request_check_poll(wsi);
	Poller *poller;

	if (error == NULL && !is_post && http_request_body_length(wsi) != 0)
		error = &http_error_bad_request;
	if (error == &http_error_old_client)
		return refuse_old_client(wsi);
	if (error != NULL)
		return http_response_refuse(wsi, NULL, error);
	poller = find_or_open_poller(wsi);
	return is_post ? begin_post(poller, exchange, wsi) : begin_get(poller, exchange, wsi);
}

int
polling_body(Exchange *exchange, const void *piece, size_t length)
{
	if (exchange->poller == NULL)
		return 0;
	assert(exchange->length <= exchange->announced);
	if (length > exchange->announced - exchange->length)
		return -1;
	if (length > 0)
		memcpy(exchange->body + exchange->length, piece, length);
	exchange->length += length;
	return 0;
}

static void
fail_for_packet(Poller *poller)
{
	HttpError error = http_error_bad_request;
	char *message = memory_format("%s: %s", error.message, poller->reason);

	free(poller->reason);
	poller->reason = message;
	error.message = message;
	fail_poller(poller, &error);
}

/* libwebsockets calls this again if bytes follow the body before the response: that is an error. */
int
polling_complete(Exchange *exchange)
{
	if (exchange->poller == NULL || exchange->complete)
		return -1;
	exchange->complete = true;
	payload_receive(exchange->poller->carrier.connection, exchange->body, exchange->body + exchange->length);
	if (exchange->poller->close_code == CLOSE_PROTOCOL_ERROR && exchange->poller->error.status == 0)
		fail_for_packet(exchange->poller);
	lws_callback_on_writable(exchange->wsi);
	return 0;
}

void
polling_drop(Exchange *exchange)
{
	Poller *poller = exchange->poller;

	free(exchange->origin);
	exchange->origin = NULL;
	if (poller == NULL)
		return;
	detach_exchange(poller->get == exchange ? &poller->get : &poller->post);
	connection_close(poller->carrier.connection, CLOSE_GOING_AWAY, "transport error");
}

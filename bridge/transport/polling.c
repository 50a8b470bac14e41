/*-------------------------------------------------------------------------
 *
 * polling.c
 *	  Connections that are carried by HTTP requests: the long-polling of Engine.IO.
 *
 * 1. A GET without an id opens a session; its response is the first packet.
 * 2. One GET at a time waits until there is something to say, and gets all of it
 *    that goes into one response.
 * 3. What the client says comes in POSTs, one at a time, each heard as a whole.
 * 4. A session ends when its client asks for it, breaks these rules, goes away
 *    from a request, or does not response pings; and by its timer, so that nobody
 *    who is using it loses it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/polling.h"

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

/* What goes into one response, unless a single packet is larger. */
#define LARGEST_PAYLOAD 65536

/* How long the last packet waits for a GET. */
#define CLOSE_TIMEOUT_MS 5000

typedef struct Poller
{
	Carrier carrier; /* first */
	Exchange *get;	 /* waits for something to say; or NULL */
	Exchange *post;	 /* its body is coming; or NULL */
	Timer end;
	int close_code; /* 0: it is open */
} Poller;

static const Config *config;

void
polling_configure(const Config *settings)
{
	config = settings;
}

static int
response(struct lws *wsi, const char *type, const char *body, size_t length)
{
	HttpResponse response = { true, HTTP_STATUS_OK, type, config, NULL };

	return http_response_send(wsi, &response, body, length);
}

/* Takes a request from its session, which must not look at it any more. */
static struct lws *
detach(Exchange **place)
{
	Exchange *exchange = *place;

	*place = NULL;
	exchange->poller = NULL;
	if (exchange->body != NULL)
		budget_give(exchange->announced);
	free(exchange->body);
	exchange->body = NULL;
	return exchange->wsi;
}

static int
attach(Exchange **place, Exchange *exchange, Poller *poller, struct lws *wsi)
{
	exchange->wsi = wsi;
	exchange->poller = poller;
	*place = exchange;
	return 0;
}

static void
cut_off(Exchange **place)
{
	struct lws *wsi;

	if (*place == NULL)
		return;
	wsi = detach(place);
	http_response_complaint(wsi, false, config, &bad_request);
	lws_stream_cut(wsi);
}

static void
end_poller(void *context)
{
	Poller *poller = context;

	cut_off(&poller->get);
	cut_off(&poller->post);
	connection_end(poller->carrier.connection);
	free(poller);
}

/*
 * How many packets go into one response, and how long it is then.  The last of the
 * connection goes alone: socket.io-client has not delivered what comes with it
 * when it closes, would deliver it when it is back, and get it a second time.
 */
static uint32_t
measure_payload(const Outbox *outbox, size_t *length)
{
	uint32_t most = outbox->closed && outbox->count > 1 ? outbox->count - 1 : outbox->count;
	uint32_t count = 0;

	*length = 0;
	while (count < most)
	{
		Frame *frame = outbox_peek(outbox, count);
		size_t packet;

		if (count > 0 && *length + frame->length > LARGEST_PAYLOAD)
			break;
		frame_payload(frame, &packet);
		*length += packet + (count++ > 0);
	}
	return count;
}

static char *
take_payload(Outbox *outbox, size_t *length)
{
	uint32_t count = measure_payload(outbox, length);
	char *payload = memory_new(*length);
	char *at = payload;

	for (uint32_t i = 0; i < count; i++)
	{
		size_t packet;
		const char *text = frame_payload(outbox_peek(outbox, i), &packet);

		if (i > 0)
			*at++ = ENGINE_SEPARATOR;
		memcpy(at, text, packet);
		at += packet;
	}
	outbox_sent(outbox, count);
	return payload;
}

static void
flush(Carrier *carrier)
{
	Poller *poller = (Poller *) carrier;

	if (poller->get != NULL)
		lws_callback_on_writable(poller->get->wsi);
}

static int
answer_get(Poller *poller)
{
	Outbox *outbox = &poller->carrier.connection->outbox;
	char *payload;
	size_t length;
	int result;

	if (outbox->count == 0)
		return 0;
	payload = take_payload(outbox, &length);
	if (poller->close_code != 0 && outbox->count == 0)
		timer_start(&poller->end, 0, end_poller, poller);
	result = response(detach(&poller->get), "text/plain; charset=UTF-8", payload, length);
	free(payload);
	return result;
}

static int
answer_post(Poller *poller)
{
	struct lws *wsi = detach(&poller->post);

	if (poller->carrier.connection->closing && poller->close_code != CLOSE_NORMAL)
		return http_response_complaint(wsi, true, config, &bad_request);
	return response(wsi, "text/html", "ok", 2);
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
cut(Carrier *carrier)
{
	Poller *poller = (Poller *) carrier;

	timer_start(&poller->end, 0, end_poller, poller);
}

/* A client that is not there is told nothing; one that left gets the response to its last GET. */
static void
begin_close(Carrier *carrier, int code, const char *reason)
{
	Poller *poller = (Poller *) carrier;
	char packet = code == CLOSE_NORMAL ? ENGINE_NOOP : ENGINE_CLOSE;

	log_debug("poller_closed", "reason", reason);
	poller->close_code = code;
	timer_start(&poller->end, code == CLOSE_GOING_AWAY ? 0 : CLOSE_TIMEOUT_MS, end_poller, poller);
	if (code != CLOSE_GOING_AWAY)
		outbox_push_last(&carrier->connection->outbox, frame_new(FRAME_TEXT, &packet, 1));
}

static void
release_poll(Carrier *carrier)
{
	static const char packet = ENGINE_NOOP;
	Outbox *outbox = &carrier->connection->outbox;

	if (((Poller *) carrier)->get != NULL && outbox->count == 0)
		outbox_push_own(outbox, frame_new(FRAME_TEXT, &packet, 1));
}

static const Transport transport = { flush, cut, begin_close, release_poll };

static Poller *
open_poller(struct lws *wsi)
{
	Poller *poller = memory_new(sizeof(Poller));
	HttpRequest request = { 0 };
	Handshake handshake;

	http_request_read(&request, wsi);
	handshake = http_request_handshake(&request);
	lws_get_peer_simple(wsi, poller->carrier.peer, sizeof(poller->carrier.peer));
	log_debug("connected", "peer", poller->carrier.peer);
	poller->carrier.transport = &transport;
	connection_open(&poller->carrier, config, &engineio_protocol, &handshake);
	http_request_forget(&request);
	return poller;
}

static int
break_rule(Poller *poller, struct lws *wsi, const Complaint *complaint)
{
	connection_close(poller->carrier.connection, CLOSE_PROTOCOL_ERROR, complaint->message);
	return http_response_complaint(wsi, false, config, complaint);
}

static int
begin_get(Poller *poller, Exchange *exchange, struct lws *wsi)
{
	if (poller->get != NULL)
		return break_rule(poller, wsi, &bad_request);
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	outbox_wake(&poller->carrier.connection->outbox);
	return attach(&poller->get, exchange, poller, wsi);
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
	static const Complaint too_large = { HTTP_STATUS_REQ_ENTITY_TOO_LARGE, "3", "Payload too large" };
	static const Complaint busy = { HTTP_STATUS_SERVICE_UNAVAILABLE, "3", "Too much is waiting" };
	static const Complaint no_length = { HTTP_STATUS_LENGTH_REQUIRED, "3", "Length required" };
	long length = http_request_body_length(wsi);

	if (poller->post != NULL || is_binary(wsi))
		return break_rule(poller, wsi, &bad_request);
	if (length < 0)
		return break_rule(poller, wsi, &no_length);
	if (length > config->max_payload)
		return break_rule(poller, wsi, &too_large);
	if (length > budget_left())
		return break_rule(poller, wsi, &busy);
	exchange->announced = (size_t) length;
	budget_take(exchange->announced);
	exchange->body = memory_new(exchange->announced);
	return attach(&poller->post, exchange, poller, wsi);
}

/* The client shows no body of a refused request, so this is a response of the protocol that it speaks. */
static int
refuse_old_client(struct lws *wsi)
{
	HttpResponse response = { false, HTTP_STATUS_OK, "text/plain; charset=UTF-8", config, NULL };
	char *payload = old_client_payload();
	int result = http_response_send(wsi, &response, payload, strlen(payload));

	metrics.connections_refused++;
	log_debug("refused", "reason", OLD_CLIENT_MESSAGE);
	free(payload);
	return result;
}

static Poller *
poller_of(struct lws *wsi)
{
	char *sid = http_request_argument(wsi, "sid");
	EngineIo *engine = sid ? engineio_find(sid) : NULL;

	free(sid);
	return engine ? (Poller *) engine->connection->carrier : open_poller(wsi);
}

int
polling_begin(Exchange *exchange, struct lws *wsi)
{
	bool posts = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
	const Complaint *complaint = http_request_check_poll(wsi, config);

	if (complaint == NULL && !posts && http_request_body_length(wsi) != 0)
		complaint = &bad_request;
	if (complaint == &old_client)
		return refuse_old_client(wsi);
	if (complaint != NULL)
		return http_response_refuse(wsi, config, complaint);
	return posts ? begin_post(poller_of(wsi), exchange, wsi) : begin_get(poller_of(wsi), exchange, wsi);
}

int
polling_body(Exchange *exchange, const void *piece, size_t length)
{
	if (exchange->poller == NULL)
		return 0;
	if (length > exchange->announced - exchange->length)
		return -1;
	if (length > 0)
		memcpy(exchange->body + exchange->length, piece, length);
	exchange->length += length;
	return 0;
}

/* Hands the packets of a body to the protocol; one that ends the connection is the last. */
static void
take_packets(Connection *connection, const char *at, const char *end)
{
	bool more = true;

	while (more && !connection->closing)
	{
		const char *separator = memchr(at, ENGINE_SEPARATOR, (size_t) (end - at));
		size_t length = (size_t) ((separator ? separator : end) - at);

		if (length > 0 && *at == ENGINE_BINARY)
			connection->protocol->binary(connection, at + 1, length - 1);
		else
			connection->protocol->text(connection, at, length);
		more = separator != NULL;
		at += length + 1;
	}
}

/* The second time something has come behind the body, before the response. */
int
polling_complete(Exchange *exchange)
{
	if (exchange->poller == NULL || exchange->complete)
		return -1;
	exchange->complete = true;
	take_packets(exchange->poller->carrier.connection, exchange->body, exchange->body + exchange->length);
	lws_callback_on_writable(exchange->wsi);
	return 0;
}

void
polling_drop(Exchange *exchange)
{
	Poller *poller = exchange->poller;

	if (poller == NULL)
		return;
	detach(poller->get == exchange ? &poller->get : &poller->post);
	connection_close(poller->carrier.connection, CLOSE_GOING_AWAY, "transport error");
}

/*-------------------------------------------------------------------------
 *
 * sse.c
 *	  Server-Sent Events: HTTP answers at /events that do not end.
 *
 * The body has neither length nor chunks: it ends with the connection.  A stream is
 * memory of our own, known to the library as the connection's opaque data: what it
 * keeps for us itself it frees as soon as another request comes in.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/sse.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "protocol/event_stream.h"
#include "transport/answer.h"
#include "transport/request.h"
#include "transport/wire.h"

#define LONGEST_ORIGIN 512

/* The library hangs up on a request with a few more arguments, without a word. */
#define MOST_ROOMS 64

static int
refuse(struct lws *wsi, unsigned int status, const char *origin, const char *code, const char *message)
{
	static const char *const headers[] = { "cache-control:", "no-store", NULL };
	Answer answer = { status, JSON_TYPE, origin, headers };
	char *body = memory_format("{\"code\":\"%s\",\"message\":\"%s\"}", code, message);
	int result = answer_send(wsi, &answer, body, strlen(body));

	metrics.connections_refused++;
	log_debug("refused", "reason", message);
	free(body);
	return result;
}

/* What a browser asks before it lets a page of another origin send a token in a header. */
static int
answer_preflight(struct lws *wsi, const char *origin)
{
	static const char *const headers[] = {
		"access-control-allow-methods:", "GET",
		"access-control-allow-headers:", "authorization, cache-control, last-event-id",
		"access-control-max-age:", "3600",
		NULL
	};
	Answer answer = { HTTP_STATUS_OK, TEXT_TYPE, origin, headers };

	return answer_send(wsi, &answer, "", 0);
}

/* The stream ends when the client knows when to come back. */
static void
begin_close(Connection *connection, int code, const char *reason)
{
	Wire *wire = (Wire *) connection;

	(void) code;
	(void) reason;
	if (connection->closing)
		return;
	wire_end(wire, event_stream_farewell());
	lws_callback_on_writable(wire->wsi);
}

static const TransportOperations operations = { begin_close };

/* Nothing is ever heard from the client, so the kernel has to notice that it does not take what it is sent. */
static void
watch_peer(struct lws *wsi, const Config *config)
{
	unsigned int patience = (unsigned int) (config->ping_interval + config->ping_timeout);

	setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
}

/* From here on the connection belongs to the stream: the request's headers and timeouts are done with. */
static int
begin_stream(struct lws *wsi, const Config *config, const char *origin)
{
	static const char *const headers[] = { "cache-control:", "no-store", "x-accel-buffering:", "no", NULL };
	Answer answer = { HTTP_STATUS_OK, "text/event-stream; charset=utf-8", origin, headers };

	if (!answer_begin(wsi, &answer))
		return -1;
	lws_http_headers_detach(wsi);
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	watch_peer(wsi, config);
	return 0;
}

static int
admit(struct lws *wsi, const Config *config, const Request *request, const char *origin)
{
	Handshake handshake = request_handshake(request);
	Wire *wire = memory_new(sizeof(Wire));
	Refusal refusal;

	wire->connection.config = config;
	wire->connection.transport = &operations;
	wire->connection.protocol = &event_stream_protocol;
	wire_open(wire, wsi);
	lws_set_opaque_user_data(wsi, wire);
	if (event_stream_open(&wire->connection, &handshake, &refusal))
		return begin_stream(wsi, config, origin);
	sse_closed(wsi);
	return refuse(wsi, HTTP_STATUS_UNAUTHORIZED, origin, refusal.code, refusal.message);
}

bool
sse_is_asked_for(struct lws *wsi)
{
	char path[16] = "";

	if (lws_get_opaque_user_data(wsi) != NULL)
		return true;
	return (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) > 0 ||
			lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_OPTIONS_URI) > 0) &&
		   strcmp(path, "/events") == 0;
}

static int
answer_get(struct lws *wsi, const Config *config, const char *origin)
{
	Request request = { 0 };
	int result;

	request_read(&request, wsi);
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0)
		result = refuse(wsi, HTTP_STATUS_BAD_REQUEST, origin, "bad_request", "A request for events has no body.");
	else if (json_array_size(request.rooms) > MOST_ROOMS)
		result = refuse(wsi, HTTP_STATUS_BAD_REQUEST, origin, "bad_request", "There are too many rooms in the URL.");
	else if (metrics.connections >= config->max_connections)
		result = refuse(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE, origin, "busy", "There are too many connections.");
	else
		result = admit(wsi, config, &request, origin);
	request_forget(&request);
	return result;
}

/* A request behind a stream, which has no end, would never be answered. */
int
sse_answer(struct lws *wsi, const Config *config)
{
	char buffer[LONGEST_ORIGIN];
	const char *origin = lws_hdr_copy(wsi, buffer, sizeof(buffer), WSI_TOKEN_ORIGIN) > 0 ? buffer : NULL;

	if (lws_get_opaque_user_data(wsi) != NULL)
		return -1;
	if (!request_origin_is_allowed(wsi, config))
		return refuse(wsi, HTTP_STATUS_FORBIDDEN, NULL, "forbidden", "This origin is not allowed.");
	if (lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI) > 0)
		return answer_preflight(wsi, origin);
	return answer_get(wsi, config, origin);
}

int
sse_writable(struct lws *wsi)
{
	Wire *wire = lws_get_opaque_user_data(wsi);

	if (wire == NULL)
		return 0;
	return wire_send(wire) && !(wire->connection.closing && wire_is_empty(wire)) ? 0 : -1;
}

void
sse_closed(struct lws *wsi)
{
	Wire *wire = lws_get_opaque_user_data(wsi);

	lws_set_opaque_user_data(wsi, NULL);
	if (wire == NULL)
		return;
	wire_closed(wire);
	free(wire);
}

/*-------------------------------------------------------------------------
 *
 * sse.c
 *	  Server-Sent Events: HTTP answers at /events that do not end.
 *
 * The body has neither length nor chunks: it ends with the connection.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/sse.h"

#include <stdlib.h>

#include "base/memory.h"
#include "protocol/event_stream.h"
#include "transport/answer.h"
#include "transport/request.h"

/* The library hangs up on a request with a few more arguments, without a word. */
#define MOST_ROOMS 64

static const Config *config;

void
sse_configure(const Config *settings)
{
	config = settings;
}

/* The stream ends when the client knows when to come back. */
static void
begin_close(Carrier *carrier, int code, const char *reason)
{
	Wire *wire = (Wire *) carrier;

	(void) code;
	(void) reason;
	wire_end(wire, event_stream_farewell());
	lws_callback_on_writable(wire->wsi);
}

static const Transport transport = { wire_flush, wire_cut_off, begin_close, NULL };

/* From here on the connection belongs to the stream: the request's headers and timeouts are done with. */
static int
begin_stream(struct lws *wsi)
{
	static const Header headers[] = { { "x-accel-buffering:", "no" }, { NULL, NULL } };
	Answer answer = { false, HTTP_STATUS_OK, "text/event-stream; charset=utf-8", config, headers };

	if (!answer_begin(wsi, &answer))
		return -1;
	lws_http_headers_detach(wsi);
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	return 0;
}

static int
refuse(struct lws *wsi, const Refusal *refusal)
{
	char *code = memory_format("\"%s\"", refusal->code);
	Complaint complaint = { HTTP_STATUS_UNAUTHORIZED, code, refusal->message };
	int result = answer_refuse(wsi, config, &complaint);

	free(code);
	return result;
}

static int
admit(Wire *wire, struct lws *wsi, const Handshake *handshake)
{
	Refusal refusal;

	wire_open(wire, wsi, &transport, config, &event_stream_protocol, handshake);
	if (event_stream_admitted(wire->carrier.connection, &refusal))
	{
		wire_watch(wire); /* nothing is ever heard from it */
		return begin_stream(wsi);
	}
	wire_closed(wire);
	return refuse(wsi, &refusal);
}

static const Complaint *
complaint_about(struct lws *wsi, const Request *request)
{
	static const Complaint foreign = { HTTP_STATUS_FORBIDDEN, "\"forbidden\"", "This origin is not allowed." };
	static const Complaint has_body = { HTTP_STATUS_BAD_REQUEST, "\"bad_request\"", "A request for events has no body." };
	static const Complaint many_rooms = { HTTP_STATUS_BAD_REQUEST, "\"bad_request\"", "There are too many rooms in the URL." };
	static const Complaint busy = { HTTP_STATUS_SERVICE_UNAVAILABLE, "\"busy\"", "There are too many connections." };

	if (!request_origin_is_allowed(wsi, config))
		return &foreign;
	if (request_body_length(wsi) != 0)
		return &has_body;
	if (json_array_size(request->rooms) > MOST_ROOMS)
		return &many_rooms;
	return connection_make_room(config) ? NULL : &busy;
}

int
sse_begin(Wire *wire, struct lws *wsi)
{
	Request request = { 0 };
	Handshake handshake;
	const Complaint *complaint;
	int result;

	request_read(&request, wsi);
	handshake = request_handshake(&request);
	complaint = complaint_about(wsi, &request);
	result = complaint ? answer_refuse(wsi, config, complaint) : admit(wire, wsi, &handshake);
	request_forget(&request);
	return result;
}

int
sse_writable(Wire *wire)
{
	return wire_send(wire) && !(wire->carrier.connection->closing && wire_is_empty(wire)) ? 0 : -1;
}

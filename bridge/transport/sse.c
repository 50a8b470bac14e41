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
#include "protocol/sse_format.h"
#include "transport/http_response.h"
#include "transport/http_request.h"

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
	LwsStream *stream = (LwsStream *) carrier;

	(void) code;
	(void) reason;
	lws_stream_end(stream, sse_format_farewell());
	lws_callback_on_writable(stream->wsi);
}

static const Transport transport = { lws_stream_flush, lws_stream_cut_off, begin_close, NULL };

/* From here on the connection belongs to the stream: the request's headers and timeouts are done with. */
static int
begin_stream(struct lws *wsi)
{
	static const Header headers[] = { { "x-accel-buffering:", "no" }, { NULL, NULL } };
	HttpResponse response = { false, HTTP_STATUS_OK, "text/event-stream; charset=utf-8", config, headers };

	if (!http_response_begin(wsi, &response))
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
	int result = http_response_refuse(wsi, config, &complaint);

	free(code);
	return result;
}

static int
admit(LwsStream *stream, struct lws *wsi, const Handshake *handshake)
{
	Refusal refusal;

	lws_stream_open(stream, wsi, &transport, config, &sse_format_protocol, handshake);
	if (sse_format_admitted(stream->carrier.connection, &refusal))
	{
		lws_stream_watch(stream); /* nothing is ever heard from it */
		return begin_stream(wsi);
	}
	lws_stream_closed(stream);
	return refuse(wsi, &refusal);
}

static const Complaint *
complaint_about(struct lws *wsi, const HttpRequest *request)
{
	static const Complaint foreign = { HTTP_STATUS_FORBIDDEN, "\"forbidden\"", "This origin is not allowed." };
	static const Complaint has_body = { HTTP_STATUS_BAD_REQUEST, "\"bad_request\"", "A request for events has no body." };
	static const Complaint many_rooms = { HTTP_STATUS_BAD_REQUEST, "\"bad_request\"", "There are too many rooms in the URL." };
	static const Complaint busy = { HTTP_STATUS_SERVICE_UNAVAILABLE, "\"busy\"", "There are too many connections." };

	if (!http_request_origin_is_allowed(wsi, config))
	{
		http_request_log_origin(wsi);
		return &foreign;
	}
	if (http_request_body_length(wsi) != 0)
		return &has_body;
	if (json_array_size(request->rooms) > MOST_ROOMS)
		return &many_rooms;
	return connection_make_room(config) ? NULL : &busy;
}

int
sse_begin(LwsStream *stream, struct lws *wsi)
{
	HttpRequest request = { 0 };
	Handshake handshake;
	const Complaint *complaint;
	int result;

	http_request_read(&request, wsi);
	handshake = http_request_handshake(&request);
	complaint = complaint_about(wsi, &request);
	result = complaint ? http_response_refuse(wsi, config, complaint) : admit(stream, wsi, &handshake);
	http_request_forget(&request);
	return result;
}

int
sse_writable(LwsStream *stream)
{
	return lws_stream_send(stream) && !(stream->carrier.connection->closing && lws_stream_is_empty(stream)) ? 0 : -1;
}

/*-------------------------------------------------------------------------
 *
 * sse.c
 *	  The transport of server-sent events: responses to GET /events that do not end.
 *
 * The body has neither a length nor chunks: it ends with the connection (RFC 9112, 6.3).
 *
 * The head is sent with the first frame: the welcome, or a heartbeat.  Until then the client may still be refused, and
 * gets the reason with a status of HTTP.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/sse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "protocol/sse_format.h"
#include "transport/http_response.h"
#include "transport/http_request.h"

/* libwebsockets hangs up on a URL with a few more arguments. */
#define MAX_ROOMS 64

static const Transport sse_transport;

static EventStream *
events_of(Carrier *carrier)
{
	assert(carrier->transport == &sse_transport);
	return (EventStream *) carrier;
}

static void
sse_flush(Carrier *carrier)
{
	EventStream *events = events_of(carrier);

	if (events->begun)
		lws_stream_flush(carrier);
	else
		lws_callback_on_writable(events->stream.wsi);
}

/* Ends the stream after the frame that says when the client may come back. */
static void
sse_close(Carrier *carrier, int code, const char *reason)
{
	LwsStream *stream = &events_of(carrier)->stream;

	(void) reason;
	lws_stream_end(stream, sse_format_farewell(carrier->connection), code);
	lws_callback_on_writable(stream->wsi);
}

static const Transport sse_transport = { sse_flush, lws_stream_cut, sse_close, NULL, "events", &metrics.event_streams };

/* Sends the head of the response.  Returns false if the connection is broken. */
static bool
begin_stream(EventStream *events)
{
	static const HttpHeader headers[] = { { "x-accel-buffering:", "no" }, { NULL, NULL } };
	HttpResponse response = { .status = HTTP_STATUS_OK,
							  .type = "text/event-stream; charset=utf-8",
							  .cross_origin = true,
							  .headers = headers,
							  .origin = events->origin };

	events->begun = http_response_begin(events->stream.wsi, &response, LWS_ILLEGAL_HTTP_CONTENT_LEN);
	return events->begun;
}

static unsigned int
status_of(const char *code)
{
	if (strcmp(code, "too_many") == 0)
		return 429;
	if (strcmp(code, "unavailable") == 0)
		return HTTP_STATUS_SERVICE_UNAVAILABLE;
	return strcmp(code, "disconnected") == 0 ? HTTP_STATUS_FORBIDDEN : HTTP_STATUS_UNAUTHORIZED;
}

static int
refuse_client(const EventStream *events, const Refusal *refusal)
{
	char *code = memory_format("\"%s\"", refusal->code);
	HttpError error = { status_of(refusal->code), code, refusal->message, NULL };
	int result = http_response_refuse(events->stream.wsi, events->origin, &error);

	free(code);
	return result;
}

/* Frees the request's headers; a stream has no timeout. */
static int
admit_client(EventStream *events, struct lws *wsi, const Handshake *handshake)
{
	LwsStream *stream = &events->stream;
	Refusal refusal;
	int result = 0;

	events->origin = memory_copy(handshake->origin);
	lws_stream_open(stream, wsi, &sse_transport, http_request_config(wsi), &sse_format_protocol, handshake);
	if (!sse_format_admitted(stream->carrier.connection, &refusal))
	{
		result = refuse_client(events, &refusal);
		sse_end(events);
		return result;
	}
	lws_stream_detect_stall(stream); /* the client sends nothing, not even pongs */
	lws_http_headers_detach(wsi);
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	return 0;
}

static const HttpError *
check_request(struct lws *wsi, const HttpRequest *request)
{
	static const HttpError foreign = { HTTP_STATUS_FORBIDDEN, "\"forbidden\"", "This origin is not allowed.", NULL };
	static const HttpError has_body = { HTTP_STATUS_BAD_REQUEST, "\"bad_request\"", "A request for events has no body.", NULL };
	static const HttpError many_rooms = { HTTP_STATUS_BAD_REQUEST, "\"bad_request\"", "There are too many rooms in the URL.", NULL };
	static const HttpError busy = { HTTP_STATUS_SERVICE_UNAVAILABLE, "\"busy\"", "There are too many connections.", NULL };

	if (!http_request_origin_is_allowed(wsi))
	{
		http_request_log_origin(wsi);
		return &foreign;
	}
	if (http_request_body_length(wsi) != 0)
		return &has_body;
	if (json_array_size(request->rooms) > MAX_ROOMS)
		return &many_rooms;
	return connection_make_room(http_request_config(wsi)) ? NULL : &busy;
}

int
sse_begin(EventStream *events, struct lws *wsi)
{
	HttpRequest request = { 0 };
	Handshake handshake;
	const HttpError *error;
	int result;

	http_request_read(&request, wsi);
	handshake = http_request_handshake(&request);
	error = check_request(wsi, &request);
	result = error ? http_response_refuse(wsi, NULL, error) : admit_client(events, wsi, &handshake);
	http_request_reset(&request);
	return result;
}

int
sse_writable(EventStream *events)
{
	LwsStream *stream = &events->stream;
	Refusal refusal;

	assert(stream->open);
	if (!events->begun && !sse_format_admitted(stream->carrier.connection, &refusal))
		return refuse_client(events, &refusal);
	if (!events->begun && lws_stream_is_empty(stream))
		return 0;
	if (!events->begun && !begin_stream(events))
		return -1;
	return lws_stream_send(stream) && !(stream->carrier.connection->closing && lws_stream_is_empty(stream)) ? 0 : -1;
}

void
sse_end(EventStream *events)
{
	lws_stream_closed(&events->stream);
	free(events->origin);
	events->origin = NULL;
}

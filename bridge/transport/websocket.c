/*-------------------------------------------------------------------------
 *
 * websocket.c
 *	  WebSocket connections: from libwebsockets' callbacks to a protocol and back.
 *
 * Frames leave directly, complete as they are, when the library holds nothing back
 * for the connection, and else when it says that there is room.  The library adds
 * nothing to them: extensions and HTTP/2 are off.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/websocket.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "protocol/protocol.h"
#include "transport/request.h"
#include "transport/status.h"

/* What leaves in one write at most. */
#define LARGEST_WRITE 65536

/* How long a close may take before the connection is cut. */
#define CLOSE_TIMEOUT_MS 5000

_Static_assert(FRAME_HEADROOM >= LWS_PRE, "the library writes in front of the bytes it is given");

/* Allocated and freed by the library with the connection. */
typedef struct WebSocket
{
	Carrier carrier; /* first */
	struct lws *wsi;
	Request request; /* how it came; for the time until it is open */
	char *message;	 /* what has come of the message that is under way */
	size_t message_length;
	bool message_is_text;
	bool open;
	Timer close_timer;
} WebSocket;

static const Config *config;

size_t
websocket_size(void)
{
	return sizeof(WebSocket);
}

void
websocket_configure(const Config *settings)
{
	config = settings;
}

/* Ends the connection at once; the library calls back with CLOSED soon. */
static void
cut(void *context)
{
	WebSocket *socket = context;

	lws_set_timeout(socket->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	lws_cancel_service(lws_get_context(socket->wsi));
}

/*
 * The close frame is one of ours, behind everything that waits: the library's
 * own would be lost, because its libuv plug-in closes twice.  The peer answers
 * it, and the library ends the connection; or the time for that passes.
 */
static void
begin_close(Carrier *carrier, int code, const char *reason)
{
	WebSocket *socket = (WebSocket *) carrier;
	unsigned char payload[125];
	int length;

	payload[0] = (unsigned char) (code >> 8);
	payload[1] = (unsigned char) code;
	length = snprintf((char *) payload + 2, sizeof(payload) - 2, "%s", reason);
	if (length > (int) sizeof(payload) - 3)
		length = sizeof(payload) - 3;
	outbox_push_last(&carrier->connection->outbox, frame_new(FRAME_CLOSE, payload, 2 + (size_t) length));
	timer_start(&socket->close_timer, CLOSE_TIMEOUT_MS, cut, socket);
}

/*
 * Collects what waits, as far as it goes into one write.  A single frame is not
 * copied: the library may write into its headroom, and always the same.
 */
static unsigned char *
gather(Outbox *outbox, size_t *length, uint32_t *count)
{
	static unsigned char buffer[LWS_PRE + LARGEST_WRITE];
	Frame *frame = outbox_peek(outbox, 0);

	*count = 1;
	*length = frame->length;
	if (outbox_peek(outbox, 1) == NULL || frame->length > LARGEST_WRITE / 2)
		return frame_bytes(frame);
	memcpy(buffer + LWS_PRE, frame_bytes(frame), frame->length);
	while ((frame = outbox_peek(outbox, *count)) != NULL && *length + frame->length <= LARGEST_WRITE)
	{
		memcpy(buffer + LWS_PRE + *length, frame_bytes(frame), frame->length);
		*length += frame->length;
		(*count)++;
	}
	return buffer + LWS_PRE;
}

/* Sends what the connection takes now; the rest when it is writable again. False: it is broken. */
static bool
send_waiting(WebSocket *socket)
{
	Outbox *outbox = &socket->carrier.connection->outbox;

	while (outbox->count > 0 && !lws_partial_buffered(socket->wsi))
	{
		size_t length;
		uint32_t count;
		unsigned char *bytes = gather(outbox, &length, &count);

		if (lws_write(socket->wsi, bytes, length, LWS_WRITE_RAW) < 0)
			return false;
		outbox_sent(outbox, count);
	}
	if (outbox->count > 0)
		lws_callback_on_writable(socket->wsi);
	return true;
}

static void
flush(Carrier *carrier)
{
	WebSocket *socket = (WebSocket *) carrier;

	if (!send_waiting(socket))
		cut(socket);
}

/* The peer does not read, so no close frame would reach it. */
static void
on_overflow(Carrier *carrier)
{
	WebSocket *socket = (WebSocket *) carrier;

	log_info("slow_client_closed", "peer", socket->request.peer);
	cut(socket);
}

static const Transport transport = { flush, on_overflow, begin_close, NULL };

static const Protocol *
protocol_of(const Request *request)
{
	if (!request->socketio)
		return &plain_protocol;
	return request->sid != NULL ? &upgrade_protocol : &engineio_protocol;
}

static void
on_established(struct lws *wsi, WebSocket *socket)
{
	Request *request = &socket->request;
	Handshake handshake = { request->token, request->position, request->sid };

	socket->carrier.transport = &transport;
	socket->wsi = wsi;
	socket->open = true;
	log_debug("connected", "peer", request->peer);
	connection_open(&socket->carrier, config, protocol_of(request), &handshake);
	request_forget(request);
}

static void
drop_message(WebSocket *socket)
{
	free(socket->message);
	socket->message = NULL;
	socket->message_length = 0;
}

/* Hands a complete message to the protocol. */
static void
take_message(WebSocket *socket)
{
	char *message = socket->message;
	size_t length = socket->message_length;
	Connection *connection = socket->carrier.connection;

	socket->message = NULL;
	socket->message_length = 0;
	if (socket->message_is_text)
		connection->protocol->text(connection, message ? message : "", length);
	else
		connection->protocol->binary(connection);
	free(message);
}

/* A message comes in pieces of whatever size; the limit is ours to keep. */
static void
on_receive(WebSocket *socket, const void *piece, size_t length)
{
	if (socket->carrier.connection->closing)
		return;
	if (lws_is_first_fragment(socket->wsi))
	{
		drop_message(socket);
		socket->message_is_text = !lws_frame_is_binary(socket->wsi);
	}
	if (socket->message_length + length > (size_t) config->max_payload)
	{
		connection_close(socket->carrier.connection, CLOSE_TOO_BIG, "too big");
		return;
	}
	socket->message = memory_resize(socket->message, socket->message_length + length + 1);
	memcpy(socket->message + socket->message_length, piece, length);
	socket->message_length += length;
	if (lws_is_final_fragment(socket->wsi) && lws_remaining_packet_payload(socket->wsi) == 0)
		take_message(socket);
}

static void
on_closed(WebSocket *socket)
{
	if (!socket->open)
		return;
	socket->open = false;
	timer_stop(&socket->close_timer);
	connection_end(socket->carrier.connection);
	drop_message(socket);
	log_debug("disconnected", "peer", socket->request.peer);
}

static void
on_pong(WebSocket *socket)
{
	Connection *connection = socket->carrier.connection;

	if (connection->protocol->pong != NULL)
		connection->protocol->pong(connection);
}

int
websocket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
	WebSocket *socket = user;

	switch (reason)
	{
		case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
			return request_check_upgrade(wsi, config);
		case LWS_CALLBACK_RAW_ADOPT: /* what the library makes of CONNECT, and would keep for ever */
			return -1;
		case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
			return request_read(&socket->request, wsi) ? 0 : -1;
		case LWS_CALLBACK_ESTABLISHED:
			on_established(wsi, socket);
			return 0;
		case LWS_CALLBACK_RECEIVE:
			on_receive(socket, in, length);
			return 0;
		case LWS_CALLBACK_RECEIVE_PONG:
			on_pong(socket);
			return 0;
		case LWS_CALLBACK_SERVER_WRITEABLE:
			return send_waiting(socket) ? 0 : -1;
		case LWS_CALLBACK_CLOSED:
			on_closed(socket);
			return 0;
		case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
			if (socket != NULL)
				request_forget(&socket->request);
			return 0;
		default:
			return 0;
	}
}

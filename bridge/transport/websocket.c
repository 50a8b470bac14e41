/*-------------------------------------------------------------------------
 *
 * websocket.c
 *	  WebSocket connections: from libwebsockets' callbacks to a protocol and back.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/websocket.h"

#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/memory.h"
#include "protocol/old_client.h"
#include "protocol/connection.h"
#include "transport/http_request.h"
#include "transport/idle_sockets.h"
#include "transport/lws_stream.h"

/* Allocated and freed by the library with the connection. */
typedef struct WebSocket
{
	LwsStream stream;	 /* first: a LwsStream of ours is a WebSocket */
	HttpRequest request; /* how it came; for the time until it is open */
	char *message;		 /* what has come of the message that is under way; on the budget */
	size_t message_length;
	bool message_is_text;
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

/*
 * The close frame is one of ours, behind everything that waits: the library's
 * own would be lost, because its libuv plug-in closes twice.  The peer answers
 * it, and the library ends the connection; or the time for that passes.
 */
static void
begin_close(Carrier *carrier, int code, const char *reason)
{
	unsigned char payload[125];
	int length;

	payload[0] = (unsigned char) (code >> 8);
	payload[1] = (unsigned char) code;
	length = snprintf((char *) payload + 2, sizeof(payload) - 2, "%s", reason);
	if (length > (int) sizeof(payload) - 3)
		length = sizeof(payload) - 3;
	lws_stream_end((LwsStream *) carrier, frame_new(FRAME_CLOSE, payload, 2 + (size_t) length));
}

static const Transport transport = { lws_stream_flush, lws_stream_cut_off, begin_close, NULL };

static const Protocol *
protocol_of(const HttpRequest *request)
{
	if (!request->socketio)
		return &plain_protocol;
	if (request->old_client)
		return &old_client_protocol;
	return request->sid != NULL ? &upgrade_protocol : &engineio_protocol;
}

static void
on_established(struct lws *wsi, WebSocket *socket)
{
	Handshake handshake = http_request_handshake(&socket->request);

	lws_stream_open(&socket->stream, wsi, &transport, config, protocol_of(&socket->request), &handshake);
	http_request_forget(&socket->request);
}

/* What has come of the message; the caller frees it. */
static char *
detach_message(WebSocket *socket)
{
	char *message = socket->message;

	budget_give(socket->message_length);
	socket->message = NULL;
	socket->message_length = 0;
	return message;
}

/* A binary message is given to the protocol as it comes by polls: in base64. */
static void
take_binary(Connection *connection, const char *bytes, size_t length)
{
	size_t size = length / 3 * 4 + 8;
	char *text = memory_new(size);

	lws_b64_encode_string(bytes ? bytes : "", (int) length, text, (int) size);
	connection->protocol->binary(connection, text, strlen(text));
	free(text);
}

/* Hands a complete message to the protocol. */
static void
take_message(WebSocket *socket)
{
	size_t length = socket->message_length;
	char *message = detach_message(socket);
	Connection *connection = socket->stream.carrier.connection;

	if (socket->message_is_text)
		connection->protocol->text(connection, message ? message : "", length);
	else
		take_binary(connection, message, length);
	free(message);
}

/* A message comes in pieces of whatever size; the limit is ours to keep. */
static void
on_receive(WebSocket *socket, const void *piece, size_t length)
{
	if (socket->stream.carrier.connection->closing)
		return;
	if (lws_is_first_fragment(socket->stream.wsi))
	{
		free(detach_message(socket));
		socket->message_is_text = !lws_frame_is_binary(socket->stream.wsi);
	}
	if (socket->message_length + length > (size_t) config->max_payload)
	{
		connection_close(socket->stream.carrier.connection, CLOSE_TOO_BIG, "too big");
		return;
	}
	if ((int64_t) (socket->message_length + length) > budget_left())
	{
		free(detach_message(socket)); /* others need it before the connection is closed */
		connection_close(socket->stream.carrier.connection, CLOSE_TRY_LATER, "busy");
		return;
	}
	budget_take(length);
	socket->message = memory_resize(socket->message, socket->message_length + length + 1);
	memcpy(socket->message + socket->message_length, piece, length);
	socket->message_length += length;
	if (lws_is_final_fragment(socket->stream.wsi) && lws_remaining_packet_payload(socket->stream.wsi) == 0)
		take_message(socket);
}

static void
on_closed(WebSocket *socket)
{
	lws_stream_closed(&socket->stream);
	free(detach_message(socket));
}

static void
on_pong(WebSocket *socket)
{
	Connection *connection = socket->stream.carrier.connection;

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
			return http_request_check_upgrade(wsi, config);
		case LWS_CALLBACK_RAW_ADOPT: /* what the library makes of CONNECT, and would keep for ever */
			return -1;
		case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
			return idle_sockets_busy(wsi) && http_request_read(&socket->request, wsi) ? 0 : -1;
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
			return lws_stream_send(&socket->stream) ? 0 : -1;
		case LWS_CALLBACK_CLOSED:
			on_closed(socket);
			return 0;
		case LWS_CALLBACK_WSI_DESTROY:
			idle_sockets_closed(wsi);
			return 0;
		case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
			if (socket != NULL)
				http_request_forget(&socket->request);
			return 0;
		default:
			return 0;
	}
}

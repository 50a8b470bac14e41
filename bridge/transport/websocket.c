/*-------------------------------------------------------------------------
 *
 * websocket.c
 *	  The transport of WebSockets: plain ones and those of Engine.IO.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/websocket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/budget.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "protocol/old_client.h"
#include "protocol/connection.h"
#include "transport/http_request.h"
#include "transport/http_response.h"
#include "transport/client_socket.h"
#include "transport/lws_stream.h"
#include "transport/segment_watch.h"
#include "transport/tls.h"

/* The per-session data of a WebSocket; libwebsockets allocates and frees it. */
typedef struct WebSocket
{
	LwsStream stream;
	SegmentWatch segments;
	HttpRequest request; /* the upgrade request, until the WebSocket is open */
	char *message;		 /* the message received so far; on the budget */
	size_t message_length;
	bool message_is_text;
} WebSocket;

size_t
websocket_size(void)
{
	return sizeof(WebSocket);
}

/*
 * Queues our own close frame (RFC 6455, 5.5.1) behind all other frames.  That of libwebsockets would be lost, because
 * its libuv plug-in closes twice.  The peer answers the frame, and libwebsockets ends the
 * connection; or the timeout of lws_stream_end() does.
 */
static const Transport websocket_transport;

static void
websocket_close(Carrier *carrier, int code, const char *reason)
{
	unsigned char payload[125]; /* the largest of a control frame: RFC 6455, 5.5 */
	int length;

	payload[0] = (unsigned char) (code >> 8);
	payload[1] = (unsigned char) code;
	length = snprintf((char *) payload + 2, sizeof(payload) - 2, "%s", reason);
	if (length > (int) sizeof(payload) - 3)
		length = sizeof(payload) - 3;
	assert(carrier->transport == &websocket_transport);
	if (code == CLOSE_TOO_MANY)
		lws_rx_flow_control(((LwsStream *) carrier)->wsi, 0); /* a flood may go on: libwebsockets answers pings */
	lws_stream_end((LwsStream *) carrier, frame_new(FRAME_CLOSE, payload, 2 + (size_t) length), code);
}

static const Transport websocket_transport = { lws_stream_flush, lws_stream_cut, websocket_close, NULL, "websocket", &metrics.websockets };

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
websocket_established(struct lws *wsi, WebSocket *socket)
{
	Handshake handshake = http_request_handshake(&socket->request);

	lws_stream_open(&socket->stream, wsi, &websocket_transport, http_request_config(wsi),
					protocol_of(&socket->request), &handshake);
	segment_watch_start(&socket->segments, &socket->stream);
	http_request_reset(&socket->request);
}

/* Returns the message received so far, which the caller frees, and takes it off the budget. */
static char *
take_message(WebSocket *socket)
{
	char *message = socket->message;

	budget_give(socket->message_length);
	socket->message = NULL;
	socket->message_length = 0;
	return message;
}

/* Hands a binary message to the protocol in base64, as in polling. */
static void
handle_binary(Connection *connection, const char *bytes, size_t length)
{
	size_t size = length / 3 * 4 + 8;
	char *text = memory_new(size);

	lws_b64_encode_string(bytes ? bytes : "", (int) length, text, (int) size);
	connection_binary(connection, text, strlen(text));
	free(text);
}

/* Hands a complete message to the protocol. */
static void
handle_message(WebSocket *socket)
{
	size_t length = socket->message_length;
	char *message = take_message(socket);
	Connection *connection = socket->stream.carrier.connection;

	segment_watch_message(&socket->segments);
	if (socket->message_is_text)
		connection_text(connection, message ? message : "", length);
	else
		handle_binary(connection, message, length);
	free(message);
}

/* The client is to blame for a message that is too large, and for no other. */
static void
refuse_message(Connection *connection, int code, const char *reason)
{
	if (code == CLOSE_TOO_BIG)
		connection_reject(connection, code, reason);
	else
		connection_close(connection, code, reason);
}

/* Collects the pieces of a message that may be kept. */
static void
websocket_receive(WebSocket *socket, const void *piece, size_t length)
{
	Connection *connection = socket->stream.carrier.connection;
	const char *reason;
	int code;

	segment_watch_piece(&socket->segments, length);
	if (connection->closing)
		return;
	if (lws_is_first_fragment(socket->stream.wsi))
	{
		free(take_message(socket));
		socket->message_is_text = !lws_frame_is_binary(socket->stream.wsi);
	}
	code = connection_check_message(connection, socket->message_length + length, &reason);
	if (code != 0)
	{
		free(take_message(socket)); /* frees memory at once, not only when the connection ends */
		refuse_message(connection, code, reason);
		return;
	}
	budget_take(length);
	socket->message = memory_resize(socket->message, socket->message_length + length + 1);
	memcpy(socket->message + socket->message_length, piece, length);
	socket->message_length += length;
	if (lws_is_final_fragment(socket->stream.wsi) && lws_remaining_packet_payload(socket->stream.wsi) == 0)
		handle_message(socket);
}

static void
websocket_closed(WebSocket *socket)
{
	segment_watch_stop(&socket->segments);
	lws_stream_closed(&socket->stream);
	free(take_message(socket));
}

static void
websocket_pong(WebSocket *socket)
{
	Connection *connection = socket->stream.carrier.connection;

	if (connection->protocol->pong != NULL)
		connection->protocol->pong(connection);
}

static int
confirm_upgrade(struct lws *wsi)
{
	const HttpError *error;

	*client_socket_request(wsi) = http_request_traits(wsi);
	error = http_request_check_upgrade(wsi);
	return error ? http_response_refuse(wsi, NULL, error) : 0;
}

int
websocket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
	WebSocket *socket = user;

	switch (reason)
	{
		case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
			client_socket_opened(wsi);
			return 0;
		case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
			return confirm_upgrade(wsi);
		case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
			tls_take_context(user);
			return 0;
		case LWS_CALLBACK_RAW_ADOPT: /* libwebsockets would keep a request with CONNECT for ever */
			return -1;
		case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
			return client_socket_busy(wsi) && http_request_read(&socket->request, wsi) ? 0 : -1;
		case LWS_CALLBACK_ESTABLISHED:
			websocket_established(wsi, socket);
			return 0;
		case LWS_CALLBACK_RECEIVE:
			websocket_receive(socket, in, length);
			return 0;
		case LWS_CALLBACK_RECEIVE_PONG:
			websocket_pong(socket);
			return 0;
		case LWS_CALLBACK_SERVER_WRITEABLE:
			return lws_stream_send(&socket->stream) ? 0 : -1;
		case LWS_CALLBACK_CLOSED:
			websocket_closed(socket);
			return 0;
		case LWS_CALLBACK_WSI_DESTROY:
			client_socket_closed(wsi);
			return 0;
		case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
			if (socket != NULL)
				http_request_reset(&socket->request);
			return 0;
		default:
			return 0;
	}
}

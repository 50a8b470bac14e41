/*-------------------------------------------------------------------------
 *
 * socketio.c
 *	  Socket.IO: namespaces, events and acknowledgements inside Engine.IO messages.
 *
 * Each namespace of a connection has its own session (namespace_session.h).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/socketio.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "gateway/acknowledgement.h"
#include "gateway/action.h"
#include "protocol/binary_args.h"
#include "protocol/dialect.h"
#include "protocol/msgpack_client.h"
#include "protocol/namespace_session.h"
#include "protocol/packet.h"

/* Reasons for which a packet ends the connection. */
#define MALFORMED "malformed packet"
#define NOT_CONNECTED "packet for a namespace that is not connected"

struct SocketIo
{
	Connection *connection;
	char *token;   /* of the handshake, for a CONNECT without one; or NULL */
	char *cookie;  /* likewise */
	char *dialect; /* that the URL names; or NULL */
	NamespaceSession *namespaces;
	Timer deadline; /* for the first session */
	BinaryArgs binary_args;
};

static void
socketio_timeout(void *context)
{
	SocketIo *socket = context;

	connection_close(socket->connection, CLOSE_GOING_AWAY, "no session in time");
}

static NamespaceSession *
find_namespace(SocketIo *socket, const char *namespace)
{
	NamespaceSession *entry = socket->namespaces;

	while (entry != NULL && strcmp(entry->format->namespace, namespace) != 0)
		entry = entry->next;
	return entry;
}

/* Adds an entry without a session; returns NULL if the client's dialect has no such namespace. */
static NamespaceSession *
add_namespace(SocketIo *socket, const char *namespace)
{
	const Format *format = dialect_namespace(socket->dialect, namespace);
	NamespaceSession *entry;

	if (format == NULL)
		return NULL;
	entry = namespace_session_new(socket->connection, format, &socket->deadline);
	entry->next = socket->namespaces;
	socket->namespaces = entry;
	return entry;
}

/* A name that is not UTF-8 has no answer. */
static void
refuse_namespace(SocketIo *socket, const char *namespace)
{
	char *name = json_quoted(namespace);
	char *packet = memory_format("44%s,{\"message\":\"Invalid namespace\"}", namespace);

	if (name[1] == '/')
		outbox_push_own(&socket->connection->outbox, frame_new(FRAME_TEXT, packet, strlen(packet)));
	free(name);
	free(packet);
}

/* The functions that handle a packet return the reason why it must end the connection; NULL: it need not. */

/* A client that leaves and joins before the answer sends no DISCONNECT: its second CONNECT replaces the first. */
static const char *
handle_connect(SocketIo *socket, const Packet *packet)
{
	NamespaceSession *entry = find_namespace(socket, packet->namespace);

	if (entry != NULL && entry->session != NULL && entry->session->state != SESSION_ARRIVING)
		return "second CONNECT of a namespace";
	if (entry == NULL)
		entry = add_namespace(socket, packet->namespace);
	else
		namespace_session_disconnect(entry);
	if (entry != NULL)
		namespace_session_connect(entry, packet->data, socket->token, socket->cookie);
	else
		refuse_namespace(socket, packet->namespace);
	return NULL;
}

/* Returns whether the namespace may send this packet.  An ACK may follow the client's DISCONNECT. */
static bool
is_expected(SocketIo *socket, const Packet *packet)
{
	const NamespaceSession *entry = find_namespace(socket, packet->namespace);
	bool is_ack = packet->type == PACKET_ACK || packet->type == PACKET_BINARY_ACK;

	return packet->type == PACKET_CONNECT ||
		   (entry != NULL && (entry->session != NULL || entry->pending != NULL || entry->dismissed || is_ack));
}

static const char *
handle_socketio_packet(SocketIo *socket, Packet *packet)
{
	NamespaceSession *entry = find_namespace(socket, packet->namespace);

	if (!is_expected(socket, packet))
		return NOT_CONNECTED;
	if (packet->type != PACKET_CONNECT && entry->session == NULL && entry->pending == NULL)
		return NULL;
	switch (packet->type)
	{
		case PACKET_CONNECT:
			return handle_connect(socket, packet);
		case PACKET_DISCONNECT:
			namespace_session_disconnect(entry);
			return NULL;
		case PACKET_EVENT:
		case PACKET_BINARY_EVENT:
			return namespace_session_event(entry, packet);
		case PACKET_ACK:
		case PACKET_BINARY_ACK:
			if (packet->refusal == NULL && entry->session != NULL)
				acknowledgement_take(entry->session, packet->id, packet->data);
			return NULL;
		default:
			return MALFORMED;
	}
}

const char *
socketio_message(SocketIo *socket, const char *text, size_t length)
{
	const char *violation = NULL;
	Packet packet;

	if (binary_args_pending(&socket->binary_args))
		return "packet between another one and its binary data";
	if (!packet_read(&packet, text, length))
		return MALFORMED;
	if (packet.attachments == 0)
		violation = handle_socketio_packet(socket, &packet);
	else if (is_expected(socket, &packet))
		binary_args_begin(&socket->binary_args, &packet, length);
	else
		violation = NOT_CONNECTED;
	packet_reset(&packet);
	return violation;
}

/* A client with another encoding than ours begins with a binary message. */
static const char *
refuse_msgpack(SocketIo *socket, const char *base64, size_t length)
{
	Frame *refusal = socket->namespaces == NULL ? msgpack_client_refusal(base64, length) : NULL;

	if (refusal == NULL)
		return "binary data that no packet has announced";
	metrics.connections_refused++;
	log_debug("refused", "reason", MSGPACK_CLIENT_MESSAGE);
	outbox_push_own(&socket->connection->outbox, refusal);
	return NULL;
}

const char *
socketio_attachment(SocketIo *socket, const char *base64, size_t length)
{
	const char *violation;
	Packet packet;

	if (!binary_args_pending(&socket->binary_args))
		return refuse_msgpack(socket, base64, length);
	binary_args_add(&socket->binary_args, base64, length, (size_t) socket->connection->config->max_payload);
	if (binary_args_pending(&socket->binary_args))
		return NULL;
	if (!binary_args_finish(&socket->binary_args, &packet))
		return "placeholder without binary data";
	violation = handle_socketio_packet(socket, &packet);
	packet_reset(&packet);
	return violation;
}

SocketIo *
socketio_open(Connection *connection, const Handshake *handshake)
{
	SocketIo *socket = memory_new(sizeof(SocketIo));

	socket->connection = connection;
	socket->token = memory_copy(handshake->token);
	socket->cookie = memory_copy(handshake->cookie);
	socket->dialect = memory_copy(handshake->dialect);
	timer_start(&socket->deadline, (uint64_t) connection->config->connect_timeout, socketio_timeout, socket);
	return socket;
}

static void
leave_namespaces(SocketIo *socket)
{
	while (socket->namespaces != NULL)
	{
		NamespaceSession *entry = socket->namespaces;

		socket->namespaces = entry->next;
		namespace_session_free(entry);
	}
}

void
socketio_dismiss_all(SocketIo *socket, const char *code, const char *message, int64_t wait)
{
	for (NamespaceSession *entry = socket->namespaces; entry != NULL; entry = entry->next)
	{
		if (entry->session != NULL)
			entry->session->ops->dismiss(entry->session, code, message, wait);
	}
}

void
socketio_close(SocketIo *socket)
{
	timer_stop(&socket->deadline);
	binary_args_reset(&socket->binary_args);
	leave_namespaces(socket);
	free(socket->token);
	free(socket->cookie);
	free(socket->dialect);
	free(socket);
}

/*-------------------------------------------------------------------------
 *
 * socketio.c
 *	  Socket.IO: namespaces, events and acknowledgements inside Engine.IO messages.
 *
 * Each namespace of a connection has its own session, with its own token.  A client
 * recovers its session by connection state recovery: it shows the private id (pid) of
 * the session, and as its offset the position after the last event that it got.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "fanout/roster.h"
#include "gateway/action.h"
#include "gateway/gateway.h"
#include "protocol/dialect.h"
#include "protocol/binary_args.h"
#include "protocol/namespace.h"
#include "protocol/packet.h"
#include "protocol/pid.h"
#include "protocol/socketio.h"

/* The session of a connection in one namespace; made at the client's first CONNECT to it. */
typedef struct NamespaceSession
{
	struct SocketIo *socket;
	const Format *format;
	Session *session; /* NULL: not connected to the namespace */
	char *pid;		  /* that the client has shown; NULL: a new session */
	char sid[PID_SID_LENGTH + 1];
	struct NamespaceSession *next;
} NamespaceSession;

struct SocketIo
{
	Connection *connection;
	char *token;   /* of the handshake, for a CONNECT without one; or NULL */
	char *dialect; /* that the URL names; or NULL */
	NamespaceSession *namespaces;
	Timer deadline; /* for the first session */
	BinaryArgs binary_args;
};

/* Queues a frame of a text, which it takes over. */
static void
socketio_send(SocketIo *socket, char *text)
{
	outbox_push_own(&socket->connection->outbox, frame_of_text(FRAME_TEXT, text));
}

/* Queues a packet; takes over its content. */
static void
send_packet(SocketIo *socket, PacketType type, const char *namespace, char *content)
{
	char *start = packet_header(type, namespace);

	socketio_send(socket, memory_format("%s%s", start, content));
	free(start);
	free(content);
}

static void
close_socketio(SocketIo *socket, int code, const char *reason)
{
	connection_close(socket->connection, code, reason);
}

static void
socketio_timeout(void *context)
{
	close_socketio(context, CLOSE_GOING_AWAY, "no session in time");
}

static void
send_unread_count(Session *session, const char *position)
{
	Event *event = event_new();
	Frame *frame;

	event->name = memory_copy("notification:unread");
	event->payload = memory_format("{\"count\":%lld}", (long long) session->unread);
	event->position = memory_copy(position);
	frame = event_frame(event, session->format);
	if (frame != NULL)
		outbox_push(session->outbox, frame);
	event_unref(event);
}

static NamespaceSession *entry_of(const Session *session);

static void
socketio_welcome(Session *session)
{
	NamespaceSession *entry = entry_of(session);
	char *pid;

	if (session->cursor.recovered)
	{
		pid = memory_copy(entry->pid);
		pid_copy_sid(pid, entry->sid);
	}
	else
		pid = pid_new(session->key, entry->sid, session->cursor.position);
	timer_stop(&entry->socket->deadline);
	send_packet(entry->socket, PACKET_CONNECT, session->format->namespace,
				memory_format("{\"sid\":\"%s\",\"pid\":\"%s\"}", entry->sid, pid));
	send_unread_count(session, session->cursor.position);
	free(pid);
}

/*
 * A token that is not valid any more disconnects the namespace: the client does not
 * reconnect by itself.  Any other reason closes the connection: the client does.
 */
static void
socketio_dismiss(Session *session, const char *code, const char *message)
{
	NamespaceSession *entry = entry_of(session);
	SocketIo *socket = entry->socket;
	const char *namespace = session->format->namespace;
	char *content = json_error(code, message);

	entry->session = NULL;
	if (session->state != SESSION_ARRIVING)
		send_packet(socket, PACKET_EVENT, namespace, memory_format("[\"error\",%s]", content));
	roster_leave(session);
	if (strncmp(code, "token_", 6) == 0)
		send_packet(socket, PACKET_DISCONNECT, namespace, memory_copy(""));
	else
		close_socketio(socket, CLOSE_RESTART, code);
	free(content);
}

static const SessionOps socketio_session_ops = { socketio_welcome, socketio_dismiss };

static NamespaceSession *
entry_of(const Session *session)
{
	assert(session->ops == &socketio_session_ops);
	return session->protocol;
}

static const char *
without_bearer(const char *token)
{
	return token != NULL && strncmp(token, "Bearer ", 7) == 0 ? token + 7 : token;
}

static void
send_connect_error(SocketIo *socket, const char *namespace, const Refusal *refusal)
{
	char *message = json_quoted(refusal->message);

	send_packet(socket, PACKET_CONNECT_ERROR, namespace,
				memory_format("{\"message\":%s,\"data\":{\"code\":\"%s\"}}", message, refusal->code));
	free(message);
}

/* Draws a new sid, and keeps the pid that the client has shown if it is valid. */
static void
set_ids(NamespaceSession *entry, const char *pid)
{
	free(entry->pid);
	entry->pid = pid_is_valid(pid) ? memory_copy(pid) : NULL;
	random_digits(entry->sid, PID_SID_LENGTH);
}

static void
socketio_admit(NamespaceSession *entry, const json_t *auth)
{
	SocketIo *socket = entry->socket;
	const char *token = json_member(auth, "token");
	const char *offset = json_member(auth, "offset");
	Admission admission = {
		.token = without_bearer(token != NULL ? token : socket->token),
		.from = connection_address(socket->connection),
		.format = entry->format,
		.ops = &socketio_session_ops,
		.outbox = &socket->connection->outbox,
		.protocol = entry,
	};
	Refusal refusal;
	char *key;
	char *first_position;

	set_ids(entry, json_member(auth, "pid"));
	key = entry->pid ? pid_key(entry->pid) : NULL;
	first_position = entry->pid ? pid_position(entry->pid) : NULL;
	admission.key = key;
	admission.position = first_position != NULL && offset != NULL ? offset : first_position;
	entry->session = gateway_admit(&admission, &refusal);
	if (entry->session == NULL)
		send_connect_error(socket, entry->format->namespace, &refusal);
	else
		connection_admitted(socket->connection);
	free(key);
	free(first_position);
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
	entry = memory_new(sizeof(NamespaceSession));
	entry->socket = socket;
	entry->format = format;
	entry->next = socket->namespaces;
	socket->namespaces = entry;
	return entry;
}

/* The functions that handle a packet return false if it must end the connection. */

static bool
handle_connect(SocketIo *socket, const Packet *packet)
{
	NamespaceSession *entry = find_namespace(socket, packet->namespace);
	char *name;

	if (entry != NULL && entry->session != NULL)
		return false;
	if (entry == NULL)
		entry = add_namespace(socket, packet->namespace);
	if (entry != NULL)
	{
		socketio_admit(entry, packet->data);
		return true;
	}
	name = json_quoted(packet->namespace);
	if (name[1] == '/')
		socketio_send(socket, memory_format("44%s,{\"message\":\"Invalid namespace\"}", packet->namespace));
	free(name);
	return true;
}

static bool
handle_disconnect(NamespaceSession *entry)
{
	Session *session = entry->session;

	entry->session = NULL;
	roster_leave(session);
	return true;
}

/*
 * Sends the result of an action.  "reference" is the id of the acknowledgement, if the client wants one,
 * a space, and the client's name of the action.
 */
static void
socketio_answer(Session *session, const char *reference, const char *body)
{
	NamespaceSession *entry = entry_of(session);
	int id_length = (int) strcspn(reference, " ");
	bool awaited = id_length > 0;
	char *content = awaited ? namespace_ack(session->format, reference + id_length + 1, body) :
							  namespace_failure(session->format, body);

	if (content != NULL)
		send_packet(entry->socket, awaited ? PACKET_ACK : PACKET_EVENT, session->format->namespace,
					memory_format("%.*s[%s]", id_length, reference, content));
	free(content);
}

/* Answers without asking the gateway; frees the reference. */
static void
reject_action(Session *session, char *reference, const char *code, const char *message)
{
	char *error = json_error(code, message);
	char *body = memory_format("\"ok\":false,\"error\":%s", error);

	socketio_answer(session, reference, body);
	free(reference);
	free(error);
	free(body);
}

static void
submit_action(Session *session, Packet *packet, const char *name)
{
	char *reference = memory_format("%s %s", packet->id ? packet->id : "", name);
	ActionRequest request;

	json_array_remove(packet->data, 0);
	if (!packet->storable)
		reject_action(session, reference, "bad_request", JSON_NOT_STORABLE);
	else if (!namespace_request(session->format, name, packet->data, &request))
		reject_action(session, reference, "HD404", "unknown action");
	else
	{
		action_submit(session, request.action, request.data, reference, socketio_answer);
		json_decref(request.data);
	}
}

static bool
handle_event(NamespaceSession *entry, Packet *packet)
{
	char *name = packet_event_name(packet);

	if (packet->data == NULL)
		return true;
	if (name == NULL || entry->session->state < SESSION_REPLAYING)
	{
		free(name);
		return false;
	}
	submit_action(entry->session, packet, name);
	free(name);
	return true;
}

static bool
handle_socketio_ack(const NamespaceSession *entry, const Packet *packet)
{
	if (entry->session != NULL && packet->storable)
		action_acknowledge(entry->session, packet->id, packet->data);
	return true;
}

/* Returns whether the namespace may send this packet.  An ACK may cross the end of its session. */
static bool
is_expected(SocketIo *socket, const Packet *packet)
{
	const NamespaceSession *entry = find_namespace(socket, packet->namespace);
	bool is_ack = packet->type == PACKET_ACK || packet->type == PACKET_BINARY_ACK;

	return packet->type == PACKET_CONNECT || (entry != NULL && (entry->session != NULL || is_ack));
}

static bool
handle_socketio_packet(SocketIo *socket, Packet *packet)
{
	NamespaceSession *entry = find_namespace(socket, packet->namespace);

	if (!is_expected(socket, packet))
		return false;
	switch (packet->type)
	{
		case PACKET_CONNECT:
			return handle_connect(socket, packet);
		case PACKET_DISCONNECT:
			return handle_disconnect(entry);
		case PACKET_EVENT:
		case PACKET_BINARY_EVENT:
			return handle_event(entry, packet);
		case PACKET_ACK:
		case PACKET_BINARY_ACK:
			return handle_socketio_ack(entry, packet);
		default:
			return false;
	}
}

bool
socketio_message(SocketIo *socket, const char *text, size_t length)
{
	Packet packet;
	bool good;

	if (binary_args_pending(&socket->binary_args) || !packet_read(&packet, text, length))
		return false;
	if (packet.attachments == 0)
		good = handle_socketio_packet(socket, &packet);
	else if ((good = is_expected(socket, &packet)))
		binary_args_begin(&socket->binary_args, &packet);
	packet_reset(&packet);
	return good;
}

bool
socketio_attachment(SocketIo *socket, const char *base64, size_t length)
{
	Packet packet;
	bool good;

	if (!binary_args_add(&socket->binary_args, base64, length, (size_t) socket->connection->config->max_payload))
		return false;
	if (binary_args_pending(&socket->binary_args))
		return true;
	if (!binary_args_finish(&socket->binary_args, &packet))
		return false;
	good = handle_socketio_packet(socket, &packet);
	packet_reset(&packet);
	return good;
}

SocketIo *
socketio_open(Connection *connection, const Handshake *handshake)
{
	SocketIo *socket = memory_new(sizeof(SocketIo));

	socket->connection = connection;
	socket->token = memory_copy(handshake->token);
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
		if (entry->session != NULL)
			roster_leave(entry->session);
		free(entry->pid);
		free(entry);
	}
}

void
socketio_close(SocketIo *socket)
{
	timer_stop(&socket->deadline);
	binary_args_reset(&socket->binary_args);
	leave_namespaces(socket);
	free(socket->token);
	free(socket->dialect);
	free(socket);
}

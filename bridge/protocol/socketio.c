/*-------------------------------------------------------------------------
 *
 * socketio.c
 *	  Socket.IO v5: namespaces, events and acks, inside the messages of Engine.IO.
 *
 * Each namespace of a connection has a session of its own, with its own token.
 * A private id (pid) and the position behind each event let a client come back
 * after any loss of the connection and miss nothing: connection state recovery.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "gateway/action.h"
#include "gateway/gateway.h"
#include "protocol/dialect.h"
#include "protocol/binary_args.h"
#include "protocol/namespace.h"
#include "protocol/packet.h"
#include "protocol/socketio.h"

#define KEY_LENGTH 32
#define SID_LENGTH 20

static const char hexadecimal[] = "0123456789abcdef";

/* A namespace of a connection; made when the client first asks for it. */
typedef struct Place
{
	struct SocketIo *socket;
	const Format *format;
	Session *session; /* NULL: not connected; ours until it leaves */
	char *pid;		  /* that the client has shown; NULL: none */
	char sid[SID_LENGTH + 1];
	struct Place *next;
} Place;

struct SocketIo
{
	Connection *connection;
	char *token;   /* of the handshake, for packets that bring none; or NULL */
	char *dialect; /* that the client has named; or NULL */
	Place *places;
	Timer deadline; /* for the first session */
	BinaryArgs attachments;
};

/* Takes over the text. */
static void
say(SocketIo *socket, char *text)
{
	outbox_push_own(&socket->connection->outbox, frame_of_text(FRAME_TEXT, text));
}

/* Takes over the content. */
static void
say_packet(SocketIo *socket, PacketType type, const char *namespace, char *content)
{
	char *start = packet_start(type, namespace);

	say(socket, memory_format("%s%s", start, content));
	free(start);
	free(content);
}

static void
end_connection(SocketIo *socket, int code, const char *reason)
{
	connection_close(socket->connection, code, reason);
}

static void
on_no_session(void *context)
{
	end_connection(context, CLOSE_GOING_AWAY, "no session in time");
}

/* One that was made here looks like this; anything else is as good as none. */
static bool
is_pid(const char *pid)
{
	return pid != NULL && strspn(pid, hexadecimal) == KEY_LENGTH && pid[KEY_LENGTH] == '.' &&
		   strspn(pid + KEY_LENGTH + 1, hexadecimal) == SID_LENGTH && pid[KEY_LENGTH + 1 + SID_LENGTH] == '.' &&
		   pid[strspn(pid, "0123456789abcdef.~")] == '\0';
}

/*
 * The private id of a session: its key, its public id and the position at which
 * it began, so that it is found again without the help of this process.
 */
static void
take_pid(Place *place, const char *pid, char **key, char **position)
{
	*key = *position = NULL;
	free(place->pid);
	place->pid = NULL;
	random_digits(place->sid, SID_LENGTH);
	if (!is_pid(pid))
		return;
	place->pid = memory_copy(pid);
	*key = memory_copy_bytes(pid, KEY_LENGTH);
	*position = memory_copy(pid + KEY_LENGTH + 1 + SID_LENGTH + 1);
}

static void
say_unread(Session *session, const char *position)
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

static void
welcome(Session *session)
{
	Place *place = session->protocol;
	char *pid;

	if (session->recovered)
	{
		memcpy(place->sid, place->pid + KEY_LENGTH + 1, SID_LENGTH);
		pid = memory_copy(place->pid);
	}
	else
		pid = memory_format("%s.%s.%s", session->key, place->sid, session->position);
	timer_stop(&place->socket->deadline);
	say_packet(place->socket, PACKET_CONNECT, session->format->namespace,
			   memory_format("{\"sid\":\"%s\",\"pid\":\"%s\"}", place->sid, pid));
	say_unread(session, session->position);
	free(pid);
}

/*
 * An expired token ends the namespace for good; everything else is worth
 * another attempt, which the client makes by itself.
 */
static void
dismiss(Session *session, const char *code, const char *message)
{
	Place *place = session->protocol;
	SocketIo *socket = place->socket;
	const char *namespace = session->format->namespace;
	char *content = json_error(code, message);

	place->session = NULL;
	if (session->state != SESSION_ARRIVING)
		say_packet(socket, PACKET_EVENT, namespace, memory_format("[\"error\",%s]", content));
	session_leave(session);
	if (strncmp(code, "token_", 6) == 0)
		say_packet(socket, PACKET_DISCONNECT, namespace, memory_copy(""));
	else
		end_connection(socket, CLOSE_RESTART, code);
	free(content);
}

static const SessionOps session_ops = { welcome, dismiss, NULL };

static const char *
without_bearer(const char *token)
{
	return token != NULL && strncmp(token, "Bearer ", 7) == 0 ? token + 7 : token;
}

static void
refuse(SocketIo *socket, const char *namespace, const Refusal *refusal)
{
	char *message = json_quoted(refusal->message);

	say_packet(socket, PACKET_CONNECT_ERROR, namespace,
			   memory_format("{\"message\":%s,\"data\":{\"code\":\"%s\"}}", message, refusal->code));
	free(message);
}

static void
admit(Place *place, const json_t *auth)
{
	SocketIo *socket = place->socket;
	const char *token = json_member(auth, "token");
	const char *offset = json_member(auth, "offset");
	Arrival arrival = {
		.token = without_bearer(token != NULL ? token : socket->token),
		.from = connection_address(socket->connection),
		.format = place->format,
		.ops = &session_ops,
		.outbox = &socket->connection->outbox,
		.protocol = place,
	};
	Refusal refusal;
	char *key;
	char *began;

	take_pid(place, json_member(auth, "pid"), &key, &began);
	arrival.key = key;
	arrival.position = began != NULL && offset != NULL ? offset : began;
	place->session = gateway_admit(&arrival, &refusal);
	if (place->session == NULL)
		refuse(socket, place->format->namespace, &refusal);
	else
		connection_settle(socket->connection);
	free(key);
	free(began);
}

static Place *
find_place(SocketIo *socket, const char *namespace)
{
	Place *place = socket->places;

	while (place != NULL && strcmp(place->format->namespace, namespace) != 0)
		place = place->next;
	return place;
}

/* NULL: the client's dialect has no such namespace. */
static Place *
make_place(SocketIo *socket, const char *namespace)
{
	const Format *format = dialect_namespace(socket->dialect, namespace);
	Place *place;

	if (format == NULL)
		return NULL;
	place = memory_new(sizeof(Place));
	place->socket = socket;
	place->format = format;
	place->next = socket->places;
	socket->places = place;
	return place;
}

/* These return false for a packet that ends the connection. */

static bool
on_connect(SocketIo *socket, const Packet *packet)
{
	Place *place = find_place(socket, packet->namespace);
	char *name;

	if (place != NULL && place->session != NULL)
		return false;
	if (place == NULL)
		place = make_place(socket, packet->namespace);
	if (place != NULL)
	{
		admit(place, packet->data);
		return true;
	}
	name = json_quoted(packet->namespace);
	if (name[1] == '/')
		say(socket, memory_format("44%s,{\"message\":\"Invalid namespace\"}", packet->namespace));
	free(name);
	return true;
}

static bool
on_disconnect(Place *place)
{
	Session *session = place->session;

	place->session = NULL;
	session_leave(session);
	return true;
}

/* "reference" is the id of the ack, or nothing, and behind a space the client's name of the action. */
static void
answer(Session *session, const char *reference, const char *body)
{
	Place *place = session->protocol;
	int id_length = (int) strcspn(reference, " ");
	bool awaited = id_length > 0;
	char *content = awaited ? namespace_ack(session->format, reference + id_length + 1, body) :
							  namespace_failure(session->format, body);

	if (content != NULL)
		say_packet(place->socket, awaited ? PACKET_ACK : PACKET_EVENT, session->format->namespace,
				   memory_format("%.*s[%s]", id_length, reference, content));
	free(content);
}

/* Takes over the reference. */
static void
decline(Session *session, char *reference, const char *code, const char *message)
{
	char *error = json_error(code, message);
	char *body = memory_format("\"ok\":false,\"error\":%s", error);

	answer(session, reference, body);
	free(reference);
	free(error);
	free(body);
}

static void
ask(Session *session, Packet *packet, const char *name)
{
	char *reference = memory_format("%s %s", packet->id ? packet->id : "", name);
	ActionRequest request;

	json_array_remove(packet->data, 0);
	if (!namespace_request(session->format, name, packet->data, &request))
		decline(session, reference, "HD404", "unknown action");
	else
	{
		action_submit(session, request.action, request.data, reference, answer);
		json_decref(request.data);
	}
}

static bool
on_event(Place *place, Packet *packet)
{
	char *name = packet_event_name(packet);

	if (packet->data == NULL)
		return true;
	if (name == NULL || place->session->state < SESSION_REPLAYING)
	{
		free(name);
		return false;
	}
	ask(place->session, packet, name);
	free(name);
	return true;
}

static bool
on_ack(const Place *place, const Packet *packet)
{
	if (place->session != NULL)
		action_acknowledge(place->session, packet->id, packet->data);
	return true;
}

/* A client that acknowledges may not know yet that its session has ended. */
static bool
is_expected(SocketIo *socket, const Packet *packet)
{
	const Place *place = find_place(socket, packet->namespace);
	bool is_ack = packet->type == PACKET_ACK || packet->type == PACKET_BINARY_ACK;

	return packet->type == PACKET_CONNECT || (place != NULL && (place->session != NULL || is_ack));
}

static bool
on_packet(SocketIo *socket, Packet *packet)
{
	Place *place = find_place(socket, packet->namespace);

	if (!is_expected(socket, packet))
		return false;
	switch (packet->type)
	{
		case PACKET_CONNECT:
			return on_connect(socket, packet);
		case PACKET_DISCONNECT:
			return on_disconnect(place);
		case PACKET_EVENT:
		case PACKET_BINARY_EVENT:
			return on_event(place, packet);
		case PACKET_ACK:
		case PACKET_BINARY_ACK:
			return on_ack(place, packet);
		default:
			return false;
	}
}

bool
socketio_heard(SocketIo *socket, const char *text, size_t length)
{
	Packet packet;
	bool good;

	if (binary_args_wanted(&socket->attachments) || !packet_read(&packet, text, length))
		return false;
	if (packet.attachments == 0)
		good = on_packet(socket, &packet);
	else if ((good = is_expected(socket, &packet)))
		binary_args_wait(&socket->attachments, &packet);
	packet_reset(&packet);
	return good;
}

bool
socketio_heard_attachment(SocketIo *socket, const char *base64, size_t length)
{
	Packet packet;
	bool good;

	if (!binary_args_add(&socket->attachments, base64, length, (size_t) socket->connection->config->max_payload))
		return false;
	if (binary_args_wanted(&socket->attachments))
		return true;
	if (!binary_args_take(&socket->attachments, &packet))
		return false;
	good = on_packet(socket, &packet);
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
	timer_start(&socket->deadline, (uint64_t) connection->config->connect_timeout, on_no_session, socket);
	return socket;
}

static void
free_places(SocketIo *socket)
{
	while (socket->places != NULL)
	{
		Place *place = socket->places;

		socket->places = place->next;
		if (place->session != NULL)
			session_leave(place->session);
		free(place->pid);
		free(place);
	}
}

void
socketio_close(SocketIo *socket)
{
	timer_stop(&socket->deadline);
	binary_args_reset(&socket->attachments);
	free_places(socket);
	free(socket->token);
	free(socket->dialect);
	free(socket);
}

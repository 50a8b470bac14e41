/*-------------------------------------------------------------------------
 *
 * socketio.c
 *	  Socket.IO v5 over Engine.IO v4, over a WebSocket.
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
#include <sys/random.h>

#include "base/memory.h"
#include "gateway/action.h"
#include "gateway/gateway.h"
#include "protocol/json.h"
#include "protocol/name_space.h"
#include "protocol/packet.h"
#include "protocol/protocol.h"

#define KEY_LENGTH 32
#define SID_LENGTH 20

static const char hexadecimal[] = "0123456789abcdef";

/* A namespace of a connection. */
typedef struct Place
{
	struct SocketIo *socket;
	Session *session; /* NULL: not connected; ours until it leaves */
	char *pid;		  /* that the client has shown; NULL: none */
	char sid[SID_LENGTH + 1];
} Place;

typedef struct SocketIo
{
	Connection *connection;
	Place places[NAME_SPACES];
	Timer heartbeat;
	Timer deadline;	 /* for the first session */
	int attachments; /* that the last packet has announced */
} SocketIo;

static Frame *
text_frame(char *text)
{
	Frame *frame = frame_new(FRAME_TEXT, text, strlen(text));

	free(text);
	return frame;
}

/* Takes over the text. */
static void
say(SocketIo *socket, char *text)
{
	outbox_push_own(&socket->connection->outbox, text_frame(text));
}

/* Takes over the content. */
static void
say_packet(SocketIo *socket, PacketType type, const char *name_space, char *content)
{
	char *start = packet_start(type, name_space);

	say(socket, memory_format("%s%s", start, content));
	free(start);
	free(content);
}

static void
end_connection(SocketIo *socket, int code, const char *reason)
{
	socket->connection->transport->close(socket->connection, code, reason);
}

static void ping(void *context);

static void
on_no_pong(void *context)
{
	end_connection(context, CLOSE_GOING_AWAY, "ping timeout");
}

static void
wait_before_ping(SocketIo *socket)
{
	timer_start(&socket->heartbeat, (uint64_t) socket->connection->config->ping_interval, ping, socket);
}

static void
ping(void *context)
{
	SocketIo *socket = context;

	say(socket, memory_copy("2"));
	timer_start(&socket->heartbeat, (uint64_t) socket->connection->config->ping_timeout, on_no_pong, socket);
}

static void
on_no_session(void *context)
{
	end_connection(context, CLOSE_GOING_AWAY, "no session in time");
}

static void
new_sid(char *sid)
{
	unsigned char bytes[SID_LENGTH / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(sid + 2 * i, 3, "%02x", bytes[i]);
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
	new_sid(place->sid);
	if (!is_pid(pid))
		return;
	place->pid = memory_copy(pid);
	*key = memory_copy_bytes(pid, KEY_LENGTH);
	*position = memory_copy(pid + KEY_LENGTH + 1 + SID_LENGTH + 1);
}

static void
welcome(Session *session, bool recovered)
{
	Place *place = session->protocol;
	char *pid;

	if (recovered)
	{
		memcpy(place->sid, place->pid + KEY_LENGTH + 1, SID_LENGTH);
		pid = memory_copy(place->pid);
	}
	else
		pid = memory_format("%s.%s.%s", session->key, place->sid, session->position);
	timer_stop(&place->socket->deadline);
	say_packet(place->socket, PACKET_CONNECT, session->format->name_space,
			   memory_format("{\"sid\":\"%s\",\"pid\":\"%s\"}", place->sid, pid));
	if (name_space_shows_badge(session->format))
		say_packet(place->socket, PACKET_EVENT, session->format->name_space,
				   memory_format("[\"notification:unread\",{\"count\":%lld},\"%s\"]", (long long) session->unread,
								 session->position));
	free(pid);
}

static char *
error_content(const char *code, const char *message)
{
	char *quoted = json_quoted(message);
	char *content = memory_format("{\"code\":\"%s\",\"message\":%s}", code, quoted);

	free(quoted);
	return content;
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
	const char *name_space = session->format->name_space;
	char *content = error_content(code, message);

	place->session = NULL;
	if (session->state != SESSION_ARRIVING)
		say_packet(socket, PACKET_EVENT, name_space, memory_format("[\"error\",%s]", content));
	session_leave(session);
	if (strncmp(code, "token_", 6) == 0)
		say_packet(socket, PACKET_DISCONNECT, name_space, memory_copy(""));
	else
		end_connection(socket, CLOSE_RESTART, code);
	free(content);
}

static const SessionVoice voice = { welcome, dismiss };

static const char *
without_bearer(const char *token)
{
	return token != NULL && strncmp(token, "Bearer ", 7) == 0 ? token + 7 : token;
}

static void
refuse(SocketIo *socket, const char *name_space, const Refusal *refusal)
{
	char *message = json_quoted(refusal->message);

	say_packet(socket, PACKET_CONNECT_ERROR, name_space,
			   memory_format("{\"message\":%s,\"data\":{\"code\":\"%s\"}}", message, refusal->code));
	free(message);
}

static void
admit(Place *place, const Format *format, const json_t *auth)
{
	SocketIo *socket = place->socket;
	const char *offset = json_member(auth, "offset");
	Arrival arrival = {
		.token = without_bearer(json_member(auth, "token")),
		.format = format,
		.voice = &voice,
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
		refuse(socket, format->name_space, &refusal);
	free(key);
	free(began);
}

static Place *
find_place(SocketIo *socket, const char *name_space)
{
	for (int i = 0; i < NAME_SPACES; i++)
	{
		if (strcmp(name_space_formats[i].name_space, name_space) == 0)
			return &socket->places[i];
	}
	return NULL;
}

/* These return false for a packet that ends the connection. */

static bool
on_connect(SocketIo *socket, const Packet *packet)
{
	Place *place = find_place(socket, packet->name_space);
	char *name;

	if (place != NULL && place->session != NULL)
		return false;
	if (place != NULL)
	{
		admit(place, &name_space_formats[place - socket->places], packet->data);
		return true;
	}
	name = json_quoted(packet->name_space);
	if (name[1] == '/')
		say(socket, memory_format("44%s,{\"message\":\"Invalid namespace\"}", packet->name_space));
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

static void
answer(Session *session, const char *id, const char *body)
{
	Place *place = session->protocol;

	if (id != NULL)
		say_packet(place->socket, PACKET_ACK, session->format->name_space, memory_format("%s[{%s}]", id, body));
}

static bool
on_event(Place *place, Packet *packet)
{
	char *name = packet_event_name(packet);
	json_t *data = json_array_get(packet->data, 1);

	if (packet->data == NULL)
		return true;
	if (name == NULL || place->session->state < SESSION_REPLAYING)
	{
		free(name);
		return false;
	}
	if (packet->type == PACKET_BINARY_EVENT)
		answer(place->session, packet->id, "\"ok\":false,\"error\":{\"code\":\"binary\",\"message\":\"Actions have no binary arguments.\"}");
	else
	{
		action_ask(place->session, name, data, packet->id, answer);
		packet->id = NULL;
	}
	free(name);
	return true;
}

static bool
on_packet(SocketIo *socket, Packet *packet)
{
	Place *place = find_place(socket, packet->name_space);

	if (packet->type == PACKET_CONNECT)
		return on_connect(socket, packet);
	if (place == NULL || place->session == NULL)
		return false;
	socket->attachments = packet->attachments;
	switch (packet->type)
	{
		case PACKET_DISCONNECT:
			return on_disconnect(place);
		case PACKET_EVENT:
		case PACKET_BINARY_EVENT:
			return on_event(place, packet);
		default:
			return true; /* acks of events that we never ask to be acked */
	}
}

static bool
on_message(SocketIo *socket, const char *text, size_t length)
{
	Packet packet;
	bool good;

	if (socket->attachments > 0 || !packet_read(&packet, text, length))
		return false;
	good = on_packet(socket, &packet);
	packet_reset(&packet);
	return good;
}

static void
opened(Connection *connection, const Handshake *handshake)
{
	SocketIo *socket = memory_new(sizeof(SocketIo));
	const Config *config = connection->config;
	char id[SID_LENGTH + 1];

	(void) handshake;
	socket->connection = connection;
	connection->state = socket;
	for (int i = 0; i < NAME_SPACES; i++)
		socket->places[i].socket = socket;
	new_sid(id);
	say(socket, memory_format("0{\"sid\":\"%s\",\"upgrades\":[],\"pingInterval\":%ld,\"pingTimeout\":%ld,\"maxPayload\":%ld}", id,
							  config->ping_interval, config->ping_timeout, config->max_payload));
	wait_before_ping(socket);
	timer_start(&socket->deadline, (uint64_t) config->connect_timeout, on_no_session, socket);
}

static void
heard(Connection *connection, const char *text, size_t length)
{
	SocketIo *socket = connection->state;
	bool good = length > 0;

	if (good && text[0] == ENGINE_MESSAGE)
		good = on_message(socket, text + 1, length - 1);
	else if (good && text[0] == ENGINE_PONG)
		wait_before_ping(socket);
	else if (good)
		good = text[0] == ENGINE_OPEN || text[0] == ENGINE_UPGRADE || text[0] == ENGINE_NOOP;
	if (!good)
		end_connection(socket, CLOSE_PROTOCOL_ERROR, "bad packet");
}

/* Attachments are counted, so that the packets behind them are understood, and dropped. */
static void
heard_binary(Connection *connection)
{
	SocketIo *socket = connection->state;

	if (socket->attachments > 0)
		socket->attachments--;
	else
		end_connection(socket, CLOSE_PROTOCOL_ERROR, "bad packet");
}

static void
closed(Connection *connection)
{
	SocketIo *socket = connection->state;

	timer_stop(&socket->heartbeat);
	timer_stop(&socket->deadline);
	for (int i = 0; i < NAME_SPACES; i++)
	{
		if (socket->places[i].session != NULL)
			session_leave(socket->places[i].session);
		free(socket->places[i].pid);
	}
	free(socket);
}

const Protocol socketio_protocol = { opened, heard, heard_binary, NULL, closed };

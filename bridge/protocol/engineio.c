/*-------------------------------------------------------------------------
 *
 * engineio.c
 *	  Engine.IO v4: what carries Socket.IO over a WebSocket or over polling.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/engineio.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

static EngineIo *all = NULL; /* by sid */

/* Takes over the text. */
static void
say(EngineIo *engine, char *text)
{
	outbox_push_own(&engine->connection->outbox, frame_of_text(FRAME_TEXT, text));
}

static void ping(void *context);

static void
on_no_pong(void *context)
{
	EngineIo *engine = context;

	connection_close(engine->connection, CLOSE_GOING_AWAY, "ping timeout");
}

static void
wait_before_ping(EngineIo *engine)
{
	timer_start(&engine->heartbeat, (uint64_t) engine->connection->config->ping_interval, ping, engine);
}

static void
ping(void *context)
{
	EngineIo *engine = context;

	outbox_push_first(&engine->connection->outbox, frame_of_text(FRAME_TEXT, memory_format("%c", ENGINE_PING)));
	timer_start(&engine->heartbeat, (uint64_t) engine->connection->config->ping_timeout, on_no_pong, engine);
}

EngineIo *
engineio_find(const char *sid)
{
	EngineIo *engine;

	HASH_FIND_STR(all, sid, engine);
	if (engine != NULL && engine->connection->closing && engine->connection->outbox.count == 0)
		return NULL;
	return engine;
}

bool
engineio_polls(const EngineIo *engine)
{
	return engine->connection->carrier->transport->release_poll != NULL;
}

/* A pong that was on its way by the old carrier may be lost. */
void
engineio_moved(EngineIo *engine)
{
	wait_before_ping(engine);
}

static void
opened(Connection *connection, const Handshake *handshake)
{
	EngineIo *engine = memory_new(sizeof(EngineIo));
	const Config *config = connection->config;

	engine->connection = connection;
	connection->state = engine;
	random_digits(engine->sid, ENGINE_SID_LENGTH);
	HASH_ADD_STR(all, sid, engine);
	say(engine, memory_format("%c{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%ld,\"pingTimeout\":%ld,\"maxPayload\":%ld}",
							  ENGINE_OPEN, engine->sid, engineio_polls(engine) ? "\"websocket\"" : "",
							  config->ping_interval, config->ping_timeout, config->max_payload));
	wait_before_ping(engine);
	engine->socket = socketio_open(connection, handshake);
}

/* False: the packet ends the connection. */
static bool
on_packet(EngineIo *engine, const char *text, size_t length)
{
	switch (length > 0 ? text[0] : '\0')
	{
		case ENGINE_MESSAGE:
			return socketio_heard(engine->socket, text + 1, length - 1);
		case ENGINE_PONG:
			wait_before_ping(engine);
			return true;
		case ENGINE_CLOSE:
			connection_close(engine->connection, CLOSE_NORMAL, "");
			return true;
		case ENGINE_OPEN:
		case ENGINE_UPGRADE:
		case ENGINE_NOOP:
			return true;
		default:
			return false;
	}
}

static void
heard(Connection *connection, const char *text, size_t length)
{
	if (!on_packet(connection->state, text, length))
		connection_close(connection, CLOSE_PROTOCOL_ERROR, "bad packet");
}

static void
heard_binary(Connection *connection, const char *base64, size_t length)
{
	EngineIo *engine = connection->state;

	if (!socketio_heard_attachment(engine->socket, base64, length))
		connection_close(connection, CLOSE_PROTOCOL_ERROR, "bad packet");
}

static void
closed(Connection *connection)
{
	EngineIo *engine = connection->state;

	timer_stop(&engine->heartbeat);
	socketio_close(engine->socket);
	HASH_DEL(all, engine);
	free(engine);
}

const Protocol engineio_protocol = { opened, heard, heard_binary, NULL, closed };

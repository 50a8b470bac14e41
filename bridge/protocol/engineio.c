/*-------------------------------------------------------------------------
 *
 * engineio.c
 *	  Engine.IO: the sessions that carry Socket.IO over a WebSocket or over polling.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/engineio.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "gateway/limits.h"

static EngineIo *engineio_sessions; /* by sid */

static EngineIo *
engineio_of(const Connection *connection)
{
	assert(connection->protocol == &engineio_protocol);
	return connection->state;
}

static void engineio_ping(void *context);

static void
engineio_ping_timeout(void *context)
{
	EngineIo *engine = context;

	connection_close(engine->connection, CLOSE_GOING_AWAY, "ping timeout");
}

static void
schedule_engineio_ping(EngineIo *engine)
{
	timer_start(&engine->heartbeat, (uint64_t) engine->connection->config->ping_interval, engineio_ping, engine);
}

static void
engineio_ping(void *context)
{
	EngineIo *engine = context;

	outbox_push_first(&engine->connection->outbox, frame_of_text(FRAME_TEXT, memory_format("%c", ENGINE_PING)));
	timer_start(&engine->heartbeat, (uint64_t) engine->connection->config->ping_timeout, engineio_ping_timeout, engine);
}

EngineIo *
engineio_find(const char *sid)
{
	EngineIo *engine;

	assert(sid != NULL);
	HASH_FIND_STR(engineio_sessions, sid, engine);
	if (engine != NULL && engine->connection->closing && engine->connection->outbox.count == 0)
		return NULL;
	return engine;
}

bool
engineio_is_polling(const EngineIo *engine)
{
	return engine->connection->carrier->transport->release_poll != NULL;
}

/* A pong on its way over the old carrier may be lost, so the wait for it ends here. */
void
engineio_upgraded(EngineIo *engine)
{
	assert(!engineio_is_polling(engine));
	schedule_engineio_ping(engine);
}

static void
send_open_packet(EngineIo *engine)
{
	const Config *config = engine->connection->config;
	char *text = memory_format("%c{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%ld,\"pingTimeout\":%ld,\"maxPayload\":%ld}",
							   ENGINE_OPEN, engine->sid, engineio_is_polling(engine) ? "\"websocket\"" : "",
							   config->ping_interval, config->ping_timeout, config->max_payload);

	outbox_push_own(&engine->connection->outbox, frame_of_text(FRAME_TEXT, text));
}

static void
engineio_opened(Connection *connection, const Handshake *handshake)
{
	EngineIo *engine = memory_new(sizeof(EngineIo));

	engine->connection = connection;
	connection->state = engine;
	random_digits(engine->sid, ENGINE_SID_LENGTH);
	HASH_ADD_STR(engineio_sessions, sid, engine);
	send_open_packet(engine);
	schedule_engineio_ping(engine);
	engine->socket = socketio_open(connection, handshake);
}

/* Returns the reason why a packet must end the connection; NULL: it need not. */
static const char *
handle_engineio_packet(EngineIo *engine, const char *text, size_t length)
{
	switch (length > 0 ? text[0] : '\0')
	{
		case ENGINE_MESSAGE:
			return socketio_message(engine->socket, text + 1, length - 1);
		case ENGINE_PONG:
			schedule_engineio_ping(engine);
			return NULL;
		case ENGINE_CLOSE:
			connection_close(engine->connection, CLOSE_NORMAL, "");
			return NULL;
		case ENGINE_OPEN:
		case ENGINE_UPGRADE:
		case ENGINE_NOOP:
			return NULL;
		default:
			return "malformed packet";
	}
}

static void
engineio_text(Connection *connection, const char *text, size_t length)
{
	const char *violation = handle_engineio_packet(engineio_of(connection), text, length);

	if (violation != NULL)
		connection_reject(connection, CLOSE_PROTOCOL_ERROR, violation);
}

static void
engineio_binary(Connection *connection, const char *base64, size_t length)
{
	const char *violation = socketio_attachment(engineio_of(connection)->socket, base64, length);

	if (violation != NULL)
		connection_reject(connection, CLOSE_PROTOCOL_ERROR, violation);
}

static void
engineio_closed(Connection *connection)
{
	EngineIo *engine = engineio_of(connection);

	timer_stop(&engine->heartbeat);
	socketio_close(engine->socket);
	HASH_DEL(engineio_sessions, engine);
	free(engine);
}

static void
engineio_flooded(Connection *connection, int64_t wait)
{
	socketio_dismiss_all(engineio_of(connection)->socket, "too_many", limits_message(wait), wait);
	connection_close(connection, CLOSE_TOO_MANY, "too_many");
}

const Protocol engineio_protocol = { engineio_opened, engineio_text, engineio_binary,
									 NULL, engineio_flooded, engineio_closed };

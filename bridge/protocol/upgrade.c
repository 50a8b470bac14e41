/*-------------------------------------------------------------------------
 *
 * upgrade.c
 *	  From polling to a WebSocket, without a gap.
 *
 * 1. The WebSocket that shows the id of a session is a connection of its own.
 *    Its client tries it out: "2probe", "3probe".
 * 2. The client finishes its polls; so that the one that waits does not keep it,
 *    it is relieved now and then.
 * 3. With "5" the two connections swap what carries them.  The session goes on
 *    by the WebSocket, with all that waits for it; the connection that is left
 *    with the polls ends.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/engineio.h"

#define RELIEF_MS 100

typedef struct Upgrade
{
	Connection *connection;
	Timer deadline;
	Timer relief; /* runs when the probe was good */
	char *sid;
} Upgrade;

/* The session that waits for this upgrade, or NULL: it may end at any time. */
static EngineIo *
session_of(const Upgrade *upgrade)
{
	EngineIo *engine = engineio_find(upgrade->sid);

	return engine != NULL && engine->upgrade == upgrade->connection && !engine->connection->closing ? engine : NULL;
}

static void
give_up(void *context)
{
	Upgrade *upgrade = context;

	connection_close(upgrade->connection, CLOSE_PROTOCOL_ERROR, "no upgrade");
}

static void
release_poll(void *context)
{
	Upgrade *upgrade = context;
	EngineIo *engine = session_of(upgrade);

	if (engine == NULL)
		give_up(upgrade);
	else
	{
		engine->connection->carrier->transport->release_poll(engine->connection->carrier);
		timer_start(&upgrade->relief, RELIEF_MS, release_poll, upgrade);
	}
}

/* A session that is not carried by polls, or that has an upgrade under way, is left alone. */
static void
opened(Connection *connection, const Handshake *handshake)
{
	Upgrade *upgrade = memory_new(sizeof(Upgrade));
	EngineIo *engine = engineio_find(handshake->sid);

	upgrade->connection = connection;
	upgrade->sid = memory_copy(handshake->sid);
	connection->state = upgrade;
	timer_start(&upgrade->deadline, (uint64_t) connection->config->connect_timeout, give_up, upgrade);
	if (engine == NULL || engine->upgrade != NULL || !engineio_polls(engine))
		give_up(upgrade);
	else
		engine->upgrade = connection;
}

static void
answer_probe(Upgrade *upgrade)
{
	outbox_push_own(&upgrade->connection->outbox, frame_new(FRAME_TEXT, "3probe", 6));
	timer_start(&upgrade->relief, RELIEF_MS, release_poll, upgrade);
}

static void
go_over(Upgrade *upgrade, EngineIo *engine)
{
	timer_stop(&upgrade->relief);
	engine->upgrade = NULL;
	outbox_flush(&upgrade->connection->outbox); /* "3probe", if it came in the same turn */
	connection_swap(upgrade->connection, engine->connection);
	connection_close(upgrade->connection, CLOSE_GOING_AWAY, "upgraded");
	engineio_moved(engine);
}

static void
heard(Connection *connection, const char *text, size_t length)
{
	Upgrade *upgrade = connection->state;
	bool probed = timer_is_running(&upgrade->relief);
	EngineIo *engine = session_of(upgrade);

	if (engine != NULL && !probed && length == 6 && memcmp(text, "2probe", 6) == 0)
		answer_probe(upgrade);
	else if (engine != NULL && probed && length == 1 && text[0] == ENGINE_UPGRADE)
		go_over(upgrade, engine);
	else
		give_up(upgrade);
}

static void
heard_binary(Connection *connection, const char *base64, size_t length)
{
	(void) base64;
	(void) length;
	give_up(connection->state);
}

static void
closed(Connection *connection)
{
	Upgrade *upgrade = connection->state;
	EngineIo *engine = engineio_find(upgrade->sid);

	if (engine != NULL && engine->upgrade == connection)
		engine->upgrade = NULL;
	timer_stop(&upgrade->deadline);
	timer_stop(&upgrade->relief);
	free(upgrade->sid);
	free(upgrade);
}

const Protocol upgrade_protocol = { opened, heard, heard_binary, NULL, closed };

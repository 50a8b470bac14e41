/*-------------------------------------------------------------------------
 *
 * upgrade.c
 *	  The upgrade of an Engine.IO session from polling to a WebSocket, without a gap.
 *
 * 1. A WebSocket whose URL has the sid of a session is a connection of its own.
 *	  The client probes it with "2probe"; the bridge answers "3probe".
 * 2. The client lets its open poll end before it upgrades.  Meanwhile the bridge
 *	  answers waiting polls with NOOP packets, every RELEASE_INTERVAL_MS.
 * 3. With "5" the two connections swap carriers.  The session continues on the
 *	  WebSocket with all queued frames; the connection left with the polls ends.
 *
 * Protocol: Engine.IO protocol revision 4, "Upgrade".
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/connection.h"
#include "protocol/engineio.h"

#define RELEASE_INTERVAL_MS 100

typedef struct Upgrade
{
	Connection *connection;
	Timer deadline;
	Timer release; /* of waiting polls; runs after a good probe */
	char *sid;
} Upgrade;

static Upgrade *
upgrade_of(const Connection *connection)
{
	assert(connection->protocol == &upgrade_protocol);
	return connection->state;
}

/* Returns the session that waits for this upgrade; NULL when it has ended meanwhile. */
static EngineIo *
waiting_engine(const Upgrade *upgrade)
{
	EngineIo *engine = engineio_find(upgrade->sid);

	return engine != NULL && engine->upgrade == upgrade->connection && !engine->connection->closing ? engine : NULL;
}

static void
upgrade_fail(void *context)
{
	Upgrade *upgrade = context;

	connection_close(upgrade->connection, CLOSE_PROTOCOL_ERROR, "no upgrade");
}

static void
release_waiting_poll(void *context)
{
	Upgrade *upgrade = context;
	EngineIo *engine = waiting_engine(upgrade);

	if (engine == NULL)
		upgrade_fail(upgrade);
	else
	{
		engine->connection->carrier->transport->release_poll(engine->connection->carrier);
		timer_start(&upgrade->release, RELEASE_INTERVAL_MS, release_waiting_poll, upgrade);
	}
}

/* A session that is not polling, or that another WebSocket upgrades already, is left alone. */
static void
upgrade_opened(Connection *connection, const Handshake *handshake)
{
	Upgrade *upgrade = memory_new(sizeof(Upgrade));
	EngineIo *engine = engineio_find(handshake->sid);

	upgrade->connection = connection;
	upgrade->sid = memory_copy(handshake->sid);
	connection->state = upgrade;
	timer_start(&upgrade->deadline, (uint64_t) connection->config->connect_timeout, upgrade_fail, upgrade);
	if (engine == NULL || engine->upgrade != NULL || !engineio_is_polling(engine))
		upgrade_fail(upgrade);
	else
		engine->upgrade = connection;
}

static void
answer_probe(Upgrade *upgrade)
{
	outbox_push_own(&upgrade->connection->outbox, frame_new(FRAME_TEXT, "3probe", 6));
	timer_start(&upgrade->release, RELEASE_INTERVAL_MS, release_waiting_poll, upgrade);
}

static void
complete_upgrade(Upgrade *upgrade, EngineIo *engine)
{
	timer_stop(&upgrade->release);
	engine->upgrade = NULL;
	outbox_flush(&upgrade->connection->outbox); /* "3probe", if both packets came in one turn */
	connection_swap(upgrade->connection, engine->connection);
	connection_close(upgrade->connection, CLOSE_GOING_AWAY, "upgraded");
	engineio_upgraded(engine);
}

static void
upgrade_text(Connection *connection, const char *text, size_t length)
{
	Upgrade *upgrade = upgrade_of(connection);
	bool probed = timer_is_running(&upgrade->release);
	EngineIo *engine = waiting_engine(upgrade);

	if (engine != NULL && !probed && length == 6 && memcmp(text, "2probe", 6) == 0)
		answer_probe(upgrade);
	else if (engine != NULL && probed && length == 1 && text[0] == ENGINE_UPGRADE)
		complete_upgrade(upgrade, engine);
	else if (engine != NULL)
		connection_reject(connection, CLOSE_PROTOCOL_ERROR, "packet that does not fit an upgrade");
	else
		upgrade_fail(upgrade);
}

static void
upgrade_binary(Connection *connection, const char *base64, size_t length)
{
	(void) base64;
	(void) length;
	connection_reject(connection, CLOSE_PROTOCOL_ERROR, "packet that does not fit an upgrade");
}

static void
upgrade_closed(Connection *connection)
{
	Upgrade *upgrade = upgrade_of(connection);
	EngineIo *engine = engineio_find(upgrade->sid);

	if (engine != NULL && engine->upgrade == connection)
		engine->upgrade = NULL;
	timer_stop(&upgrade->deadline);
	timer_stop(&upgrade->release);
	free(upgrade->sid);
	free(upgrade);
}

const Protocol upgrade_protocol = { upgrade_opened, upgrade_text, upgrade_binary, NULL, NULL, upgrade_closed };

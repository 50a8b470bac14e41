/*-------------------------------------------------------------------------
 *
 * connection.c
 *	  One connection of a client, between its protocol and what carries it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "protocol/protocol.h"

static Connection *newcomers; /* the oldest first */
static Connection *settled;
static bool closed_for_good = false;

static void
flush(Outbox *outbox)
{
	Carrier *carrier = ((Connection *) outbox)->carrier;

	carrier->transport->flush(carrier);
}

static void
cut(Connection *connection)
{
	connection->closing = true;
	connection->carrier->transport->cut(connection->carrier);
}

static void
on_overflow(Outbox *outbox)
{
	Connection *connection = (Connection *) outbox;

	log_info("slow_client_closed", "peer", connection->carrier->peer);
	cut(connection);
}

static const OutboxOwner outbox_owner = { flush, on_overflow };

static Connection **
list_of(const Connection *connection)
{
	return connection->settled ? &settled : &newcomers;
}

void
connection_settle(Connection *connection)
{
	DL_DELETE(*list_of(connection), connection);
	connection->settled = true;
	DL_APPEND(*list_of(connection), connection);
}

bool
connection_make_room(const Config *config)
{
	Connection *oldest = newcomers;

	if (closed_for_good)
		return false;
	if (metrics.connections < config->max_connections)
		return true;
	if (oldest == NULL)
		return false;
	metrics.newcomers_cut++;
	connection_settle(oldest); /* it goes only once */
	cut(oldest);
	return true;
}

void
connection_open(Carrier *carrier, const Config *config, const Protocol *protocol, const Handshake *handshake)
{
	Connection *connection = memory_new(sizeof(Connection));

	outbox_init(&connection->outbox, &outbox_owner, (size_t) config->queue_limit);
	connection->config = config;
	connection->origin = memory_copy(handshake->origin);
	connection->protocol = protocol;
	connection->carrier = carrier;
	carrier->connection = connection;
	DL_APPEND(newcomers, connection);
	metrics.connections++;
	protocol->opened(connection, handshake);
}

ClientAddress
connection_address(const Connection *connection)
{
	return (ClientAddress){ connection->carrier->peer, connection->origin };
}

void
connection_close(Connection *connection, int code, const char *reason)
{
	if (connection->closing)
		return;
	connection->closing = true;
	connection->carrier->transport->close(connection->carrier, code, reason);
}

void
connection_close_all(int code, const char *reason)
{
	Connection *connection;

	closed_for_good = true;
	DL_FOREACH(newcomers, connection)
	connection_close(connection, code, reason);
	DL_FOREACH(settled, connection)
	connection_close(connection, code, reason);
}

void
connection_end(Connection *connection)
{
	connection->closing = true;
	connection->protocol->closed(connection);
	outbox_close(&connection->outbox);
	DL_DELETE(*list_of(connection), connection);
	metrics.connections--;
	free(connection->origin);
	free(connection);
}

void
connection_swap(Connection *one, Connection *other)
{
	Carrier *carrier = one->carrier;

	one->carrier = other->carrier;
	other->carrier = carrier;
	one->carrier->connection = one;
	other->carrier->connection = other;
	outbox_wake(&one->outbox);
	outbox_wake(&other->outbox);
}

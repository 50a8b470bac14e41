/*-------------------------------------------------------------------------
 *
 * connection.c
 *	  One connection of a client, between its protocol and what carries it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "protocol/protocol.h"

static Connection *all = NULL;
static bool closed_for_good = false;

static void
flush(Outbox *outbox)
{
	Carrier *carrier = ((Connection *) outbox)->carrier;

	carrier->transport->flush(carrier);
}

static void
on_overflow(Outbox *outbox)
{
	Connection *connection = (Connection *) outbox;

	connection->closing = true;
	connection->carrier->transport->overflow(connection->carrier);
}

static const OutboxOwner outbox_owner = { flush, on_overflow };

bool
connection_has_room(const Config *config)
{
	return !closed_for_good && metrics.connections < config->max_connections;
}

void
connection_open(Carrier *carrier, const Config *config, const Protocol *protocol, const Handshake *handshake)
{
	Connection *connection = memory_new(sizeof(Connection));

	outbox_init(&connection->outbox, &outbox_owner, (size_t) config->queue_limit);
	connection->config = config;
	connection->protocol = protocol;
	connection->carrier = carrier;
	carrier->connection = connection;
	connection->next = all;
	if (all != NULL)
		all->previous = connection;
	all = connection;
	metrics.connections++;
	protocol->opened(connection, handshake);
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
	closed_for_good = true;
	for (Connection *connection = all; connection != NULL; connection = connection->next)
		connection_close(connection, code, reason);
}

void
connection_end(Connection *connection)
{
	connection->closing = true;
	connection->protocol->closed(connection);
	outbox_close(&connection->outbox);
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		all = connection->next;
	metrics.connections--;
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

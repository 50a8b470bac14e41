/*-------------------------------------------------------------------------
 *
 * connection.c
 *	  Connections of clients, between their protocol and their carrier.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/connection.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/budget.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "gateway/limits.h"

/*
 * A connection may begin its session however much strangers have sent from its address: by a token, or by the two
 * packets of an upgrade.  These are so many messages, and so many segments without one.
 */
#define GREETINGS 2
#define GREETING_SEGMENTS 20

/* Bytes of the largest message without a session. */
#define STRANGER_MESSAGE 32768

static struct
{
	Connection *newcomers; /* without a session yet, the oldest first */
	Connection *admitted;
	int64_t opened; /* connections since the start */
	bool full;		/* for good: connection_close_all() was called */
} connection_lists;

static Connection *connection_of(Outbox *outbox);

static void
connection_flush(Outbox *outbox)
{
	Carrier *carrier = connection_of(outbox)->carrier;

	carrier->transport->flush(carrier);
}

/* Loads the carrier and the fields behind it, of the transport. */
static void
connection_fetch(const Outbox *outbox)
{
	memory_fetch(((const Connection *) outbox)->carrier, sizeof(Carrier) + 64);
}

static void
connection_cut(Connection *connection, const char *reason)
{
	snprintf(connection->reason, sizeof(connection->reason), "%s", reason);
	connection->closing = true;
	connection->carrier->transport->cut(connection->carrier);
}

static void
connection_overflowed(Outbox *outbox)
{
	static LogLimit limit;
	Connection *connection = connection_of(outbox);

	log_limited(&limit, LOG_LEVEL_INFO, "slow_client_closed", "peer", connection->carrier->peer);
	connection_cut(connection, "slow");
}

static const OutboxOwner connection_outbox_owner = { connection_flush, connection_fetch, connection_overflowed };

static Connection *
connection_of(Outbox *outbox)
{
	assert(outbox->owner == &connection_outbox_owner);
	return (Connection *) outbox;
}

static Connection **
connection_list(const Connection *connection)
{
	return connection->admitted ? &connection_lists.admitted : &connection_lists.newcomers;
}

const char *
connection_reason(const Connection *connection)
{
	return connection->reason[0] ? connection->reason : "gone";
}

static void
move_to_admitted(Connection *connection)
{
	DL_DELETE(*connection_list(connection), connection);
	connection->admitted = true;
	DL_APPEND(*connection_list(connection), connection);
}

bool
connection_make_room(const Config *config)
{
	Connection *oldest = connection_lists.newcomers;

	if (connection_lists.full)
		return false;
	if (metrics.connections < config->max_connections)
		return true;
	if (oldest == NULL)
		return false;
	metrics.newcomers_cut++;
	move_to_admitted(oldest); /* leaves the newcomers, so that it is cut only once */
	connection_cut(oldest, "no_session");
	return true;
}

void
connection_open(Carrier *carrier, const Config *config, const Protocol *protocol, const Handshake *handshake)
{
	Connection *connection = memory_new(sizeof(Connection));

	assert(carrier->transport->flush != NULL && carrier->transport->cut != NULL && carrier->transport->close != NULL);
	outbox_init(&connection->outbox, &connection_outbox_owner, (size_t) config->queue_limit);
	connection->config = config;
	connection->origin = memory_copy(handshake->origin);
	snprintf(connection->number, sizeof(connection->number), "%lld", (long long) ++connection_lists.opened);
	connection->protocol = protocol;
	connection->carrier = carrier;
	carrier->connection = connection;
	DL_APPEND(connection_lists.newcomers, connection);
	metrics.connections++;
	(*carrier->transport->open)++;
	protocol->opened(connection, handshake);
}

ClientAddress
connection_address(const Connection *connection)
{
	return (ClientAddress){ connection->carrier->peer, connection->origin, connection->number,
							connection->carrier->transport->name };
}

static LimitSubject
connection_subject(const Connection *connection)
{
	return (LimitSubject){ connection->number, connection->user, connection->carrier->peer };
}

/* Takes back what the address has done for this connection, its request and its messages: it was no stranger's. */
static void
take_back(Connection *connection)
{
	LimitSubject subject = { .address = connection->carrier->peer };

	limits_give(LIMIT_SOCKETS, &subject, 1);
	if (connection->messages > 0)
		limits_give(LIMIT_ANONYMOUS, &subject, connection->messages);
	connection->messages = 0;
}

void
connection_admitted(Connection *connection, const char *user)
{
	if (!connection->admitted)
		take_back(connection);
	move_to_admitted(connection);
	if (connection->user == NULL)
		connection->user = memory_copy(user);
}

/* Messages of a client without a session count for its address in full: nobody else pays for them. */
static LimitKind
kind_of_message(const Connection *connection)
{
	return connection->admitted ? LIMIT_MESSAGES : LIMIT_ANONYMOUS;
}

/* Ends the connection of a client that has to wait so long before it sends more. */
static void
end_flood(Connection *connection, int64_t wait)
{
	if (connection->protocol->flooded != NULL)
		connection->protocol->flooded(connection, wait);
	else
		connection_close(connection, CLOSE_TOO_MANY, "too_many");
}

bool
connection_is_in_debt(const Connection *connection)
{
	LimitSubject address = { .address = connection->carrier->peer };

	return !connection->admitted && limits_is_used_up(LIMIT_ANONYMOUS, &address);
}

/* Returns whether the client may send a message now; if not, the protocol ends the connection. */
static bool
may_receive(Connection *connection)
{
	LimitSubject subject = connection_subject(connection);
	bool greets = connection->greetings < GREETINGS && connection_is_in_debt(connection);
	int64_t wait;

	if (greets)
		subject.address = NULL;
	wait = limits_take(kind_of_message(connection), &subject);
	if (wait > 0)
		end_flood(connection, wait);
	else if (greets)
		connection->greetings++;
	else if (!connection->admitted)
		connection->messages++;
	return wait == 0;
}

int64_t
connection_debt(const Connection *connection)
{
	LimitSubject address = { .address = connection->carrier->peer };

	return connection->admitted ? 0 : limits_wait(LIMIT_ANONYMOUS, &address);
}

static int64_t
charge_segments(const Connection *connection, int64_t count)
{
	LimitSubject subject = connection_subject(connection);

	return limits_charge(kind_of_message(connection), &subject, count);
}

void
connection_count_segments(Connection *connection, int64_t count)
{
	int64_t wait = charge_segments(connection, count);
	bool greets = !connection->admitted && (connection->segments += count) <= GREETING_SEGMENTS;

	if (wait > 0 && !greets && !connection->closing)
		end_flood(connection, wait);
}

void
connection_count_last_segments(const Connection *connection, int64_t count)
{
	charge_segments(connection, count);
}

int
connection_check_message(const Connection *connection, size_t length, const char **reason)
{
	if (length > (size_t) connection->config->max_payload)
	{
		*reason = "message larger than max-payload";
		return CLOSE_TOO_BIG;
	}
	if (!connection->admitted && length > STRANGER_MESSAGE)
	{
		*reason = "message larger than 32 kB without a session";
		return CLOSE_TOO_BIG;
	}
	*reason = "busy";
	return (int64_t) length > (connection->admitted ? budget_left() : budget_left_for_later()) ? CLOSE_TRY_LATER : 0;
}

void
connection_text(Connection *connection, const char *text, size_t length)
{
	if (may_receive(connection))
		connection->protocol->text(connection, text, length);
}

void
connection_binary(Connection *connection, const char *base64, size_t length)
{
	if (may_receive(connection))
		connection->protocol->binary(connection, base64, length);
}

void
connection_close(Connection *connection, int code, const char *reason)
{
	assert(reason != NULL);
	if (connection->closing)
		return;
	connection->closing = true;
	snprintf(connection->reason, sizeof(connection->reason), "%s", reason);
	connection->carrier->transport->close(connection->carrier, code, reason);
}

void
connection_reject(Connection *connection, int code, const char *reason)
{
	static LogLimit limit;

	if (!connection->closing)
		log_limited(&limit, LOG_LEVEL_INFO, "connection_rejected", "reason", reason, "peer", connection->carrier->peer,
					"origin", connection->origin);
	connection_close(connection, code, reason);
}

void
connection_close_all(int code, const char *reason)
{
	Connection *connection;

	connection_lists.full = true;
	DL_FOREACH(connection_lists.newcomers, connection)
	connection_close(connection, code, reason);
	DL_FOREACH(connection_lists.admitted, connection)
	connection_close(connection, code, reason);
}

void
connection_end(Connection *connection)
{
	assert(connection->carrier->connection == connection);
	connection->closing = true;
	connection->protocol->closed(connection);
	outbox_close(&connection->outbox);
	DL_DELETE(*connection_list(connection), connection);
	metrics.connections--;
	(*connection->carrier->transport->open)--;
	free(connection->origin);
	free(connection->user);
	free(connection);
}

void
connection_swap(Connection *one, Connection *other)
{
	Carrier *carrier = one->carrier;

	assert(one != other);
	take_back(one);
	one->carrier = other->carrier;
	other->carrier = carrier;
	one->carrier->connection = one;
	other->carrier->connection = other;
	outbox_wake(&one->outbox);
	outbox_wake(&other->outbox);
}

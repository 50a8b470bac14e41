/*-------------------------------------------------------------------------
 *
 * protocol.h
 *	  The interface between a transport and a protocol: carrier and connection.
 *
 * A transport (bridge/transport: websocket, sse, polling) owns a Carrier, the
 * protocol owns the Connection.  Each points to the other.  An upgrade from polling
 * to WebSocket swaps the carriers of two connections.
 *
 * Calls from the transport to the protocol:
 *
 *	 connection_open()	the client has connected			-> Protocol.opened
 *	 Protocol.text		a text message, or a polled packet, is complete
 *	 Protocol.binary	a binary message or packet is complete, as base64
 *	 Protocol.pong		a WebSocket pong has arrived
 *	 connection_end()	the client is gone, or was cut off	-> Protocol.closed
 *	 outbox_sent()		frames have been handed to the network
 *
 * Calls from the protocol to the transport, through the connection:
 *
 *	 Outbox				frames were pushed, at the end of the turn	-> Transport.flush
 *	 connection_close() end the connection after the queued frames	-> Transport.close
 *	 (connection.c)		the outbox overflowed, or a newcomer needs room -> Transport.cut
 *	 (upgrade.c)		the client waits to leave its poll				-> Transport.release_poll
 *
 * The lower layers call a protocol back, too: Format.encode and its neighbours build
 * frames (fanout/event.h), SessionOps reports changes of a session (fanout/session.h),
 * and an ActionAnswer delivers the result of an action (gateway/action.h).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PROTOCOL_H
#define HERALD_PROTOCOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/network_address.h"

struct Carrier;
struct Connection;

/* The operations of a transport on one of its carriers.  All but release_poll are set. */
typedef struct Transport
{
	/* Sends as many of the queued frames as the network takes now, and calls outbox_sent() for them. */
	void (*flush)(struct Carrier *carrier);
	/* Ends the connection without a message.  Calls connection_end() in a later turn of the loop, never at once. */
	void (*cut)(struct Carrier *carrier);
	/* Ends the connection with a close code and reason after the queued frames.  Calls connection_end() as cut does. */
	void (*close)(struct Carrier *carrier, int code, const char *reason);
	/* Answers a waiting poll with a NOOP packet.  NULL: the transport has no polls, so it cannot be upgraded. */
	void (*release_poll)(struct Carrier *carrier);
	const char *name; /* for the log */
	int64_t *open;	  /* the count of its connections */
} Transport;

/*
 * The transport's end of a connection.  It is the first member of the transport's own struct,
 * which the transport allocates and frees.
 */
typedef struct Carrier
{
	const Transport *transport;
	struct Connection *connection;
	char peer[NETWORK_ADDRESS_TEXT]; /* network address of the client */
} Carrier;

/* The request with which a client connects.  Valid during Protocol.opened only. */
typedef struct Handshake
{
	const char *token;	  /* of the Authorization header or the URL; or NULL */
	const char *cookie;	  /* of the application's session; or NULL */
	const char *key;	  /* of the URL: of the session that comes back; or NULL */
	const char *position; /* of the URL, or of the header Last-Event-ID; or NULL */
	const char *dialect;  /* of the URL; or NULL */
	const char *origin;	  /* of the page that the client runs in; or NULL */
	const char *peer;	  /* network address of the client; or NULL */
	const char *sid;	  /* of the URL: the Engine.IO session to upgrade; or NULL */
	json_t *rooms;		  /* of the URL: an array of names; or NULL */
} Handshake;

/*
 * The callbacks of a protocol.  After connection_close() only closed is called.  A protocol that
 * reads nothing from its clients (server-sent events) leaves text and binary NULL.
 */
typedef struct Protocol
{
	/* Allocates the protocol's state and stores it in connection->state. */
	void (*opened)(struct Connection *connection, const Handshake *handshake);
	/* Handles a message of "length" bytes, which need not end with a zero byte. */
	void (*text)(struct Connection *connection, const char *text, size_t length);
	/* Handles a binary message, which the transport has encoded in base64. */
	void (*binary)(struct Connection *connection, const char *base64, size_t length);
	/* Handles a WebSocket pong (RFC 6455, 5.5.3); may be NULL. */
	void (*pong)(struct Connection *connection);
	/* Tells the client to wait for so long, and closes the connection; may be NULL if there is no text. */
	void (*flooded)(struct Connection *connection, int64_t wait);
	/* Ends the sessions and frees connection->state. */
	void (*closed)(struct Connection *connection);
} Protocol;

extern const Protocol plain_protocol;
extern const Protocol engineio_protocol;
extern const Protocol upgrade_protocol;

/*
 * The slots of the formats among the frames of an event (fanout/event.h).  Each
 * namespace of each dialect has one from SLOT_NAMESPACES on.
 */
enum
{
	SLOT_PLAIN,
	SLOT_SSE,
	SLOT_NAMESPACES
};

#endif /* HERALD_PROTOCOL_H */

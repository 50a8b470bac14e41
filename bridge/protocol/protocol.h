/*-------------------------------------------------------------------------
 *
 * protocol.h
 *	  What a transport and a protocol know of each other.
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

#include "base/config.h"
#include "base/timer.h"
#include "fanout/outbox.h"
#include "gateway/auth.h"

struct Carrier;
struct Connection;

/* What a transport does for the connection that it carries. */
typedef struct Transport
{
	/* Sends as much of what waits as can leave now, and calls outbox_sent() for it. */
	void (*flush)(struct Carrier *carrier);
	/* Ends the connection without a word; not before the turn ends. */
	void (*cut)(struct Carrier *carrier);
	/* Ends the connection, with a close code and reason, once what waits has been sent; not before the turn ends. */
	void (*close)(struct Carrier *carrier, int code, const char *reason);
	/* Gives the client an empty answer if it waits for one; NULL where none does, and none wants to go elsewhere. */
	void (*release_poll)(struct Carrier *carrier);
} Transport;

/* The end of a connection on the side of its transport: the first member of what the transport has of its own. */
typedef struct Carrier
{
	const Transport *transport;
	struct Connection *connection;
	char peer[48]; /* the client's address */
} Carrier;

/* What a client said before it was connected; good for the time of opened(). */
typedef struct Handshake
{
	const char *token;	  /* of the Authorization header or the URL; or NULL */
	const char *position; /* of the URL, or of the header Last-Event-ID; or NULL */
	const char *dialect;  /* of the URL; or NULL */
	const char *origin;	  /* of the page that the client runs in; or NULL */
	const char *sid;	  /* of the URL: the Engine.IO session that this is to carry; or NULL */
	json_t *rooms;		  /* of the URL: an array of names; or NULL */
} Handshake;

/* What a protocol does with a connection. Only closed() is called after close(), and in an event stream. */
typedef struct Protocol
{
	void (*opened)(struct Connection *connection, const Handshake *handshake);
	void (*text)(struct Connection *connection, const char *text, size_t length);
	void (*binary)(struct Connection *connection, const char *base64, size_t length);
	void (*pong)(struct Connection *connection); /* a WebSocket pong; may be NULL */
	void (*closed)(struct Connection *connection);
} Protocol;

/* One connection of a client: what its protocol knows of it, whatever carries it. */
typedef struct Connection
{
	Outbox outbox; /* first: its owner is the connection */
	const Config *config;
	char *origin; /* of the page that the client runs in; NULL: there is none */
	Carrier *carrier;
	const Protocol *protocol;
	void *state;  /* the protocol's; freed by closed() */
	bool closing; /* nothing that comes is heard */
	bool settled; /* it has, or has had, a session */
	struct Connection *next;
	struct Connection *prev;
} Connection;

extern const Protocol plain_protocol;
extern const Protocol engineio_protocol;
extern const Protocol upgrade_protocol;

/*
 * May one more be opened?  If need be, the one is cut that has been without a session
 * for the longest time: who comes shows a token sooner than who only wants to be in the way.
 */
extern bool connection_make_room(const Config *config);

/* Makes a connection for a carrier, and tells its protocol. */
extern void connection_open(Carrier *carrier, const Config *config, const Protocol *protocol,
							const Handshake *handshake);

/* Returns where the connection comes from, for the log; valid as long as the connection. */
extern ClientAddress connection_address(const Connection *connection);

/* It has a session: it stays when there is no room for others. */
extern void connection_settle(Connection *connection);

/* Asks the transport to end it; of no effect the second time. */
extern void connection_close(Connection *connection, int code, const char *reason);

/* The same for all connections, for good: there is no room for more. */
extern void connection_close_all(int code, const char *reason);

/* The transport has ended it: tells the protocol and frees it. */
extern void connection_end(Connection *connection);

/* From now on each is carried by what has carried the other. */
extern void connection_swap(Connection *one, Connection *other);

/*
 * The places of the protocols among the frames of an event; the namespaces of
 * Socket.IO, as many as there are, have theirs behind them.
 */
enum
{
	SLOT_PLAIN,
	SLOT_SSE,
	SLOT_NAMESPACES
};

/* Close codes: RFC 6455, and one of our own. */
#define CLOSE_NORMAL 1000	  /* the client has asked for it */
#define CLOSE_GOING_AWAY 1001 /* the client does not seem to be there any more */
#define CLOSE_PROTOCOL_ERROR 1002
#define CLOSE_UNSUPPORTED 1003
#define CLOSE_TOO_BIG 1009
#define CLOSE_RESTART 1012
#define CLOSE_TRY_LATER 1013
#define CLOSE_UNAUTHORIZED 4401

#endif /* HERALD_PROTOCOL_H */

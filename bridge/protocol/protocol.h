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

struct Connection;

/* What a transport does for a connection. */
typedef struct TransportOperations
{
	/* Ends the connection once what waits has been sent; code and reason are those of a WebSocket. */
	void (*close)(struct Connection *connection, int code, const char *reason);
} TransportOperations;

/* What a client said before it was connected; good for the time of opened(). */
typedef struct Handshake
{
	const char *token;	  /* of the Authorization header or the URL; or NULL */
	const char *position; /* of the URL, or of the header Last-Event-ID; or NULL */
	const char *dialect;  /* of the URL; or NULL */
	json_t *rooms;		  /* of the URL: an array of names; or NULL */
} Handshake;

/* What a protocol does with a connection. Only closed() is called after close(), and in an event stream. */
typedef struct Protocol
{
	void (*opened)(struct Connection *connection, const Handshake *handshake);
	void (*text)(struct Connection *connection, const char *text, size_t length);
	void (*binary)(struct Connection *connection);
	void (*pong)(struct Connection *connection); /* a WebSocket pong; may be NULL */
	void (*closed)(struct Connection *connection);
} Protocol;

/* One connection; made and freed by its transport. */
typedef struct Connection
{
	Outbox outbox;
	const Config *config;
	const TransportOperations *transport;
	const Protocol *protocol;
	void *state;  /* the protocol's; freed by closed() */
	bool closing; /* nothing that comes is heard */
} Connection;

extern const Protocol plain_protocol;
extern const Protocol socketio_protocol;

/*
 * The places of the protocols among the frames of an event; the namespaces of
 * Socket.IO, as many as there are, have theirs behind them.
 */
enum
{
	PLACE_PLAIN,
	PLACE_EVENT_STREAM,
	PLACE_NAME_SPACES
};

/* Close codes: RFC 6455, and one of our own. */
#define CLOSE_GOING_AWAY 1001
#define CLOSE_PROTOCOL_ERROR 1002
#define CLOSE_UNSUPPORTED 1003
#define CLOSE_TOO_BIG 1009
#define CLOSE_RESTART 1012
#define CLOSE_UNAUTHORIZED 4401

#endif /* HERALD_PROTOCOL_H */

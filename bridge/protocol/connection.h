/*-------------------------------------------------------------------------
 *
 * connection.h
 *	  Connections of clients, between their protocol and their carrier.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CONNECTION_H
#define HERALD_CONNECTION_H

#include <stdbool.h>

#include "base/config.h"
#include "fanout/outbox.h"
#include "gateway/auth.h"
#include "protocol/protocol.h"

/* One connection of a client.  Made by connection_open(), freed by connection_end(). */
typedef struct Connection
{
	Outbox outbox; /* first: the outbox of a connection is cast to it */
	Carrier *carrier;
	const Config *config;
	char *origin;	 /* of the page that the client runs in; NULL: there is none */
	char number[24]; /* of no other connection */
	char *user;		 /* of its first session; or NULL */
	char reason[40]; /* why it ends */
	const Protocol *protocol;
	void *state;	  /* of the protocol */
	int64_t messages; /* before it was admitted, that count for its address */
	int greetings;	  /* messages that did not count, because the address was used up */
	int64_t segments; /* small ones, before it was admitted */
	bool closing;	  /* further input is ignored */
	bool admitted;	  /* it has, or has had, a session */
	struct Connection *next;
	struct Connection *prev;
} Connection;

/* Close codes of RFC 6455, 7.4.1 and of IANA's registry; those from 4000 on are ours (7.4.2). */
#define CLOSE_NORMAL 1000	  /* the client asked for it */
#define CLOSE_GOING_AWAY 1001 /* the client seems to be gone */
#define CLOSE_PROTOCOL_ERROR 1002
#define CLOSE_UNSUPPORTED 1003
#define CLOSE_TOO_BIG 1009
#define CLOSE_RESTART 1012
#define CLOSE_TRY_LATER 1013
#define CLOSE_UNAUTHORIZED 4401
#define CLOSE_DISCONNECTED 4403 /* by the application */
#define CLOSE_TOO_MANY 4429

/*
 * Returns whether max-connections allows one more connection.  If not, cuts
 * the oldest connection without a session: an honest client shows its token sooner than
 * a hostile one.  Returns false if all have sessions, or after connection_close_all().
 */
extern bool connection_make_room(const Config *config);

/* Makes the connection of a carrier and calls the protocol's opened(). */
extern void connection_open(Carrier *carrier, const Config *config, const Protocol *protocol,
							const Handshake *handshake);

/* Returns where the connection comes from, for the log; valid as long as the connection. */
extern ClientAddress connection_address(const Connection *connection);

/*
 * Notes that the client has a session of this user.  connection_make_room() leaves it alone from now on, and what it
 * did before does not count as that of a stranger.
 */
extern void connection_admitted(Connection *connection, const char *user);

/*
 * Returns how long a client that was refused has to wait because strangers have used up its address; 0: it need not,
 * or has a session.  Above 0 the caller closes the connection.
 */
extern int64_t connection_debt(const Connection *connection);

/* Returns whether the client has no session, and strangers have sent as much from its address as they may. */
extern bool connection_is_in_debt(const Connection *connection);

/*
 * Checks a message of so many bytes, or a part of one, before it is kept.  Without a session it may be as long as a
 * token and two positions, and it leaves the last eighth of the memory to clients that have one.  Returns
 * CLOSE_TOO_BIG or CLOSE_TRY_LATER, with the reason, or 0: it may be kept.
 */
extern int connection_check_message(const Connection *connection, size_t length, const char **reason);

/* Hands a message of the client to the protocol, unless there are too many: then the protocol ends the connection. */
extern void connection_text(Connection *connection, const char *text, size_t length);
extern void connection_binary(Connection *connection, const char *base64, size_t length);

/* Counts small segments without a message of their own as messages; too many end the connection in the same way. */
extern void connection_count_segments(Connection *connection, int64_t count);

/* Counts the same on the end of a connection. */
extern void connection_count_last_segments(const Connection *connection, int64_t count);

/* Returns why a connection has ended, for the log. */
extern const char *connection_reason(const Connection *connection);

/* Asks the transport to end the connection.  A second call has no effect. */
extern void connection_close(Connection *connection, int code, const char *reason);

/* Does the same because of the client's input.  The log gets the reason, one line a second at most. */
extern void connection_reject(Connection *connection, int code, const char *reason);

/* Closes all connections; from now on connection_make_room() returns false. */
extern void connection_close_all(int code, const char *reason);

/* Tells the protocol that the transport has ended the connection, and frees it. */
extern void connection_end(Connection *connection);

/* Swaps the carriers of two connections, of which the first has brought a new one and is no stranger's. */
extern void connection_swap(Connection *one, Connection *other);

#endif /* HERALD_CONNECTION_H */

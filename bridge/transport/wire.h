/*-------------------------------------------------------------------------
 *
 * wire.h
 *	  The bytes of a connection: from its outbox to libwebsockets.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WIRE_H
#define HERALD_WIRE_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "protocol/protocol.h"

/* Part of what a transport keeps of a connection of the library. */
typedef struct Wire
{
	Connection connection; /* first: a Connection of ours is a Wire */
	struct lws *wsi;
	char peer[48];
	bool open;
	Timer end_timer;
	struct Wire *next;
	struct Wire *previous;
} Wire;

/* The transport has filled in config, transport and protocol of the connection. */
extern void wire_open(Wire *wire, struct lws *wsi);

/* Sends what the connection takes now; the rest when it is writable again.  False: it is broken. */
extern bool wire_send(Wire *wire);

/* Takes over a frame that is the last; if the peer does not end the connection in time, it is cut. */
extern void wire_end(Wire *wire, Frame *last);

/* Is nothing left to send? */
extern bool wire_is_empty(const Wire *wire);

/* The library's connection is gone.  Of no effect the second time. */
extern void wire_closed(Wire *wire);

/* Asks every connection to end, for a restart. */
extern void wire_close_all(void);

#endif /* HERALD_WIRE_H */

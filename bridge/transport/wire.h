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

/* What carries a connection: all or part of what a transport keeps with a connection of the library. */
typedef struct Wire
{
	Carrier carrier; /* first: a Carrier of ours is a Wire */
	struct lws *wsi;
	bool open;
	bool waits;		/* for there to be room */
	size_t held;	/* that the library may have kept of the last write; on the budget */
	uint64_t sent;	/* bytes that were written ... */
	uint64_t taken; /* ... and that the peer had taken when that was looked at last */
	Timer timer;	/* until it is looked at, or cut */
} Wire;

/* Opens a connection that it carries. */
extern void wire_open(Wire *wire, struct lws *wsi, const Transport *transport, const Config *config,
					  const Protocol *protocol, const Handshake *handshake);

/* These two are part of a Transport. */
extern void wire_flush(Carrier *carrier);
extern void wire_cut_off(Carrier *carrier);

/* Sends what the connection takes now; the rest when it is writable again.  False: it is broken. */
extern bool wire_send(Wire *wire);

/* Cuts the connection when the peer takes nothing of what it is sent for as long as a pong may take, or twice that. */
extern void wire_watch(Wire *wire);

/* Takes over a frame that is the last; if the peer does not end the connection in time, it is cut. */
extern void wire_end(Wire *wire, Frame *last);

/* Ends a connection of the library at once, outside of its callbacks; the one for closing comes soon. */
extern void wire_cut(struct lws *wsi);

/* Is nothing left to send? */
extern bool wire_is_empty(const Wire *wire);

/* The library's connection is gone.  Of no effect if it is not open. */
extern void wire_closed(Wire *wire);

#endif /* HERALD_WIRE_H */

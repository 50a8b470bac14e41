/*-------------------------------------------------------------------------
 *
 * lws_stream.h
 *	  The bytes of a connection: from its outbox to libwebsockets.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LWS_STREAM_H
#define HERALD_LWS_STREAM_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "base/timer.h"
#include "protocol/connection.h"

/* What carries a connection: all or part of what a transport keeps with a connection of the library. */
typedef struct LwsStream
{
	Carrier carrier; /* first: a Carrier of ours is a LwsStream */
	struct lws *wsi;
	bool open;
	bool waits;		/* for there to be room */
	size_t held;	/* that the library may have kept of the last write; on the budget */
	uint64_t sent;	/* bytes that were written ... */
	uint64_t taken; /* ... and that the peer had taken when that was looked at last */
	Timer timer;	/* until it is looked at, or cut */
} LwsStream;

/* Opens a connection that it carries. */
extern void lws_stream_open(LwsStream *stream, struct lws *wsi, const Transport *transport, const Config *config,
							const Protocol *protocol, const Handshake *handshake);

/* These two are part of a Transport. */
extern void lws_stream_flush(Carrier *carrier);
extern void lws_stream_cut_off(Carrier *carrier);

/* Sends what the connection takes now; the rest when it is writable again.  False: it is broken. */
extern bool lws_stream_send(LwsStream *stream);

/* Cuts the connection when the peer takes nothing of what it is sent for as long as a pong may take, or twice that. */
extern void lws_stream_watch(LwsStream *stream);

/* Takes over a frame that is the last; if the peer does not end the connection in time, it is cut. */
extern void lws_stream_end(LwsStream *stream, Frame *last);

/* Ends a connection of the library at once, outside of its callbacks; the one for closing comes soon. */
extern void lws_stream_cut(struct lws *wsi);

/* Is nothing left to send? */
extern bool lws_stream_is_empty(const LwsStream *stream);

/* The library's connection is gone.  Of no effect if it is not open. */
extern void lws_stream_closed(LwsStream *stream);

#endif /* HERALD_LWS_STREAM_H */

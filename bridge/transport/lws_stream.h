/*-------------------------------------------------------------------------
 *
 * lws_stream.h
 *	  A carrier on a libwebsockets connection: writes an outbox to it.
 *
 * The common part of the transports websocket and sse.
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

/* A carrier of bytes; part of the per-session data that libwebsockets allocates and frees. */
typedef struct LwsStream
{
	Carrier carrier; /* first: a carrier with our cut is cast to its stream */
	struct lws *wsi;
	int socket;			/* of wsi */
	struct ssl_st *tls; /* of wsi; NULL: it is plain */
	bool open;
	bool blocked;		   /* waits for libwebsockets to call back that it is writable */
	bool held;			   /* sends nothing until its timer fires */
	size_t buffered;	   /* bytes that libwebsockets may buffer; on the budget */
	uint64_t acknowledged; /* bytes that the peer had acknowledged at the last check */
	Timer timer;		   /* of the next check for a stall, or of the end */
} LwsStream;

/* Opens a connection that the stream carries.  "transport" must have our cut. */
extern void lws_stream_open(LwsStream *stream, struct lws *wsi, const Transport *transport, const Config *config,
							const Protocol *protocol, const Handshake *handshake);

/* The operations flush and cut of a Transport. */
extern void lws_stream_flush(Carrier *carrier);
extern void lws_stream_cut(Carrier *carrier);

/* Writes the frames that the connection takes now, the rest when it is writable.  Returns false if it is broken. */
extern bool lws_stream_send(LwsStream *stream);

/*
 * Checks for a stall from now on: cuts the connection if the peer acknowledges no byte for
 * ping-interval plus ping-timeout (twice that at most) although some are on their way.
 */
extern void lws_stream_detect_stall(LwsStream *stream);

/* Data that the peer has sent, in all; the kernel counts, bytes of TLS included. */
typedef struct ReceivedData
{
	uint32_t segments; /* with data; begins at 0 again after 2^32 */
	uint64_t bytes;
	uint64_t unread; /* of them, that the kernel still has */
} ReceivedData;

extern ReceivedData lws_stream_received(const LwsStream *stream);

/*
 * Queues the last frame, takes over its reference, and cuts the connection unless the peer ends it within 5 seconds.
 * A client that is sent away by CLOSE_TOO_MANY or CLOSE_UNAUTHORIZED gets its last frames a moment later: one that
 * comes back again and again does so less often.
 */
extern void lws_stream_end(LwsStream *stream, Frame *last, int code);

/* Ends a connection of libwebsockets; its closing callback follows soon, outside of the current callback. */
extern void lws_stream_kill(struct lws *wsi);

/* Returns whether all frames have been written to the network. */
extern bool lws_stream_is_empty(const LwsStream *stream);

/* Ends the stream's connection: libwebsockets has closed its own.  No effect if the stream is not open. */
extern void lws_stream_closed(LwsStream *stream);

#endif /* HERALD_LWS_STREAM_H */

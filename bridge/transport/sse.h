/*-------------------------------------------------------------------------
 *
 * sse.h
 *	  The transport of server-sent events: responses to GET /events that do not end.
 *
 * Format: HTML Living Standard, "Server-sent events", 9.2.
 * The functions return the value for libwebsockets' callback: 0, or -1 to close the connection.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SSE_H
#define HERALD_SSE_H

#include <libwebsockets.h>

#include "transport/lws_stream.h"

/* The stream of a request; part of the per-session data that libwebsockets allocates and frees. */
typedef struct EventStream
{
	LwsStream stream; /* first: a carrier with our transport is cast to its stream */
	bool begun;		  /* the head of the response is sent */
	char *origin;	  /* of the page; NULL: there is none */
} EventStream;

/* Answers a request with an error, or with a stream as soon as there is something to send. */
extern int sse_begin(EventStream *events, struct lws *wsi);

/* Writes to a stream: the connection is writable. */
extern int sse_writable(EventStream *events);

/* Ends a stream: its connection has ended.  No effect if there is none. */
extern void sse_end(EventStream *events);

#endif /* HERALD_SSE_H */

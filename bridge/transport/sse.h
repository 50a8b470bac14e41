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

/* Answers a request with a stream, or with an error. */
extern int sse_begin(LwsStream *stream, struct lws *wsi);

/* Writes to a stream: the connection is writable. */
extern int sse_writable(LwsStream *stream);

#endif /* HERALD_SSE_H */

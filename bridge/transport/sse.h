/*-------------------------------------------------------------------------
 *
 * sse.h
 *	  Server-Sent Events: HTTP answers at /events that do not end.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SSE_H
#define HERALD_SSE_H

#include <libwebsockets.h>

#include "base/config.h"
#include "transport/lws_stream.h"

extern void sse_configure(const Config *config);

/* Answers a request: with a stream, or with why not.  These return what the library's callback returns. */
extern int sse_begin(LwsStream *stream, struct lws *wsi);

/* A stream may be written to. */
extern int sse_writable(LwsStream *stream);

#endif /* HERALD_SSE_H */

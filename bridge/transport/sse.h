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
#include <stdbool.h>

#include "base/config.h"

/* Is a request for this transport, by its path or because it comes behind a stream? */
extern bool sse_is_asked_for(struct lws *wsi);

/* Answers it: with a stream, or with why not.  These return what the library's callback returns. */
extern int sse_answer(struct lws *wsi, const Config *config);

/* A connection of whatever transport may be written to, or is gone. */
extern int sse_writable(struct lws *wsi);
extern void sse_closed(struct lws *wsi);

#endif /* HERALD_SSE_H */

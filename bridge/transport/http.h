/*-------------------------------------------------------------------------
 *
 * http.h
 *	  Dispatches HTTP requests from libwebsockets' callbacks to polling, sse and status.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HTTP_H
#define HERALD_HTTP_H

#include <libwebsockets.h>

/* Returns the size of the per-session data that http_callback() needs, in bytes. */
extern size_t http_size(void);

/* The callback of libwebsockets for HTTP requests; "user" is the per-session data. */
extern int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

#endif /* HERALD_HTTP_H */

/*-------------------------------------------------------------------------
 *
 * http.h
 *	  HTTP requests: from libwebsockets' callbacks to who answers them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HTTP_H
#define HERALD_HTTP_H

#include <libwebsockets.h>

#include "base/config.h"

extern void http_configure(const Config *config);

/* What the library keeps with a connection while a request is served. */
extern size_t http_size(void);

/* The callback of libwebsockets for a request until it has been answered. */
extern int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

#endif /* HERALD_HTTP_H */

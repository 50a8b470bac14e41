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

/* The callback of libwebsockets for a request until it has been answered; "user" is an Exchange. */
extern int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

extern void http_configure(const Config *config);

#endif /* HERALD_HTTP_H */

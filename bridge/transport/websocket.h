/*-------------------------------------------------------------------------
 *
 * websocket.h
 *	  WebSocket connections: from libwebsockets' callbacks to a protocol and back.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WEBSOCKET_H
#define HERALD_WEBSOCKET_H

#include <libwebsockets.h>

#include "base/config.h"

/* The callback of libwebsockets for what is, or becomes, a WebSocket; "user" is one of ours. */
extern int websocket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

/* Size of what libwebsockets keeps for us per connection. */
extern size_t websocket_size(void);

extern void websocket_configure(const Config *config);

#endif /* HERALD_WEBSOCKET_H */

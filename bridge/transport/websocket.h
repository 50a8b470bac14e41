/*-------------------------------------------------------------------------
 *
 * websocket.h
 *	  The transport of WebSockets: plain ones and those of Engine.IO.
 *
 * Protocol: RFC 6455.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WEBSOCKET_H
#define HERALD_WEBSOCKET_H

#include <libwebsockets.h>

/* The callback of libwebsockets for WebSockets and upgrade requests; "user" is the per-session data. */
extern int websocket_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length);

/* Returns the size of the per-session data that websocket_callback() needs, in bytes. */
extern size_t websocket_size(void);

#endif /* HERALD_WEBSOCKET_H */

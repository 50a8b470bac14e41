/*-------------------------------------------------------------------------
 *
 * idle_sockets.h
 *	  Counts the clients' sockets, and lists those without a request.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_IDLE_SOCKETS_H
#define HERALD_IDLE_SOCKETS_H

#include <libwebsockets.h>
#include <stdbool.h>

/* Adds an accepted socket, which is idle until its first request. */
extern void idle_sockets_opened(struct lws *wsi);

/* Removes a socket; no effect on one that was not added. */
extern void idle_sockets_closed(struct lws *wsi);

/*
 * Marks a socket as busy with a request, a stream or a WebSocket.  Returns false if it is being cut: then
 * the caller must close it.
 */
extern bool idle_sockets_busy(struct lws *wsi);

/* Marks a socket as idle: its request has been answered. */
extern void idle_sockets_idle(struct lws *wsi);

/*
 * Returns whether one more socket may be opened, of "limit" in all.  If need be, cuts the socket that has
 * been idle longest: an honest client sends its request sooner than a hostile one.
 */
extern bool idle_sockets_make_room(long limit);

#endif /* HERALD_IDLE_SOCKETS_H */

/*-------------------------------------------------------------------------
 *
 * idle_sockets.h
 *	  The sockets of clients, and which of them carry nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_IDLE_SOCKETS_H
#define HERALD_IDLE_SOCKETS_H

#include <libwebsockets.h>
#include <stdbool.h>

/* A socket was accepted; it carries nothing until its client has asked for something. */
extern void idle_sockets_opened(struct lws *wsi);
extern void idle_sockets_closed(struct lws *wsi);

/* It carries a request, a stream or a WebSocket, unless (false) it is being cut; and nothing any more. */
extern bool idle_sockets_busy(struct lws *wsi);
extern void idle_sockets_idle(struct lws *wsi);

/*
 * May one more be opened, where so many may be?  If need be, the one is cut that has
 * carried nothing for the longest time: who comes asks sooner than who only wants to be in the way.
 */
extern bool idle_sockets_make_room(long most);

#endif /* HERALD_IDLE_SOCKETS_H */

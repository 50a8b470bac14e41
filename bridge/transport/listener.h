/*-------------------------------------------------------------------------
 *
 * listener.h
 *	  Listens on an address and accepts connections.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LISTENER_H
#define HERALD_LISTENER_H

#include <libwebsockets.h>
#include <stdbool.h>
#include <uv.h>

/* One address on which the bridge listens; a static object. */
typedef struct Listener
{
	const char *setting;	 /* the name of the setting with the address */
	const char *address;	 /* the setting's value; empty: the bridge does not listen there */
	struct lws_vhost *vhost; /* takes over the connections; set it before listener_start() */
	int descriptor;			 /* of the listening socket, once it is bound */
	uv_poll_t poll;
} Listener;

/* Returns whether the listener's address can be resolved; else a message on standard error names its setting. */
extern bool listener_check(const Listener *listener);

/* Binds the address.  Returns false after a message on standard error. */
extern bool listener_bind(Listener *listener);

/* Calls adopt() with the descriptor of each accepted connection from now on; adopt() takes over the descriptor. */
extern void listener_start(Listener *listener, void (*adopt)(Listener *listener, int descriptor));

/* Stops accepting, and closes the socket.  No effect on a listener that has not been started. */
extern void listener_stop(Listener *listener);

#endif /* HERALD_LISTENER_H */

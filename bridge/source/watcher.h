/*-------------------------------------------------------------------------
 *
 * watcher.h
 *	  Waits for the socket of a connection to PostgreSQL.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_WATCHER_H
#define HERALD_WATCHER_H

#include <uv.h>

/* Zeroed: waits for nothing. */
typedef struct Watcher
{
	uv_poll_t *handle;
	int descriptor; /* a duplicate of the socket */
} Watcher;

/*
 * Calls ready() whenever one of these events (UV_READABLE, UV_WRITABLE) or an error comes.
 * May be called again with other events.
 */
extern void watcher_start(Watcher *watcher, int socket, int events, void (*ready)(void *context), void *context);

/* Stops; must be called before the socket is closed.  Of no effect when it waits for nothing. */
extern void watcher_stop(Watcher *watcher);

#endif /* HERALD_WATCHER_H */

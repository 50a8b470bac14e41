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

/* Zero: waits for nothing. */
typedef struct Watcher
{
	uv_poll_t *handle;
	int descriptor; /* a duplicate of the socket */
} Watcher;

/* Calls ready() whenever one of these events comes, or an error.  May be called again with others. */
extern void watcher_start(Watcher *watcher, int socket, int events, void (*ready)(void *context), void *context);

extern void watcher_stop(Watcher *watcher);

#endif /* HERALD_WATCHER_H */

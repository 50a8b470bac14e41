/*-------------------------------------------------------------------------
 *
 * polling.h
 *	  The transport of Engine.IO's HTTP long-polling.
 *
 * Protocol: Engine.IO protocol revision 4, "HTTP long-polling".
 * All functions that return int return the value for libwebsockets' callback: 0, or -1
 * to close the connection.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_POLLING_H
#define HERALD_POLLING_H

#include <libwebsockets.h>
#include <stdbool.h>

struct Poller;

/* A request until its response has been sent; part of the per-session data that libwebsockets allocates and frees. */
typedef struct Exchange
{
	struct lws *wsi;
	struct Poller *poller; /* the session that it waits for; NULL: none, or it has been answered */
	char *origin;		   /* of the page that has sent it; NULL: none, or the headers are still there */
	char *body;
	size_t announced; /* length of the body, in bytes */
	size_t length;	  /* of the body received so far */
	bool complete;	  /* the whole body has been received */
} Exchange;

/* Handles the headers of a request. */
extern int polling_begin(Exchange *exchange, struct lws *wsi);

/* Handles a piece of a request's body. */
extern int polling_body(Exchange *exchange, const void *piece, size_t length);

/* Handles the end of a request's body. */
extern int polling_complete(Exchange *exchange);

/* Answers the request: the connection is writable. */
extern int polling_answer(Exchange *exchange);

/* Forgets the request: its connection is gone.  Ends the session if the request was not answered. */
extern void polling_drop(Exchange *exchange);

#endif /* HERALD_POLLING_H */

/*-------------------------------------------------------------------------
 *
 * polling.h
 *	  Connections that are carried by HTTP requests: the long-polling of Engine.IO.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_POLLING_H
#define HERALD_POLLING_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "base/config.h"

struct Poller;

/* A request until it has been answered; the library keeps it with its connection. */
typedef struct Exchange
{
	struct lws *wsi;
	struct Poller *poller; /* whose GET or POST it is; NULL: nobody's, or it has been answered */
	char *body;
	size_t announced; /* length of the body */
	size_t length;	  /* of what has come of it */
	bool complete;
} Exchange;

extern void polling_configure(const Config *config);

/* These return what the library's callback returns. */

/* The headers of a request, a piece of its body, and its end have come. */
extern int polling_begin(Exchange *exchange, struct lws *wsi);
extern int polling_body(Exchange *exchange, const void *piece, size_t length);
extern int polling_complete(Exchange *exchange);

/* It can be answered now. */
extern int polling_answer(Exchange *exchange);

/* The request is gone, answered or not. */
extern void polling_drop(Exchange *exchange);

#endif /* HERALD_POLLING_H */

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

#include "base/config.h"

struct Poller;

/* A request until it has been answered; the library keeps it with its connection. */
typedef struct Exchange
{
	struct lws *wsi;
	struct Poller *poller; /* whose GET or POST it is; NULL: nobody's, or it has been answered */
	char *body;
	size_t length; /* of what has come of the body */
} Exchange;

extern void polling_configure(const Config *config);

/* The headers of a request, a piece of its body, and its end have come; these return what the library's callback returns. */
extern int polling_begin(Exchange *exchange, struct lws *wsi);
extern int polling_body(Exchange *exchange, const void *piece, size_t length);
extern int polling_complete(Exchange *exchange);

/* The request is gone, answered or not. */
extern void polling_drop(Exchange *exchange);

#endif /* HERALD_POLLING_H */

/*-------------------------------------------------------------------------
 *
 * http_response.h
 *	  Answers to HTTP requests: head and body.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HTTP_RESPONSE_H
#define HERALD_HTTP_RESPONSE_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "transport/http_request.h"

#define TEXT_TYPE "text/plain; charset=utf-8"
#define JSON_TYPE "application/json"

/* A header beside those that every response has; its name ends with a colon. */
typedef struct Header
{
	const char *name;
	const char *value;
} Header;

/*
 * Only a request that was read in an earlier turn may be answered by one that
 * keeps the connection: by then the library has shown what came behind it, and
 * the connection was closed.  Else it would take the rest of its buffer for the
 * body of the next request, and never come to its end.
 */
typedef struct HttpResponse
{
	bool keeps_connection;
	unsigned int status;
	const char *type;	   /* of the body; NULL: it has none */
	const Config *readers; /* pages of the origins that it allows may read it; NULL: only our own pages */
	const Header *headers; /* the last has no name; NULL: none */
} HttpResponse;

/* Sends the head of an response whose body ends with the connection; false: the connection is broken. */
extern bool http_response_begin(struct lws *wsi, const HttpResponse *response);

/*
 * Sends a whole response, after which the request is gone.  This and what follows
 * returns what the library's callback returns: 0, or -1 to close the connection.
 */
extern int http_response_send(struct lws *wsi, const HttpResponse *response, const char *body, size_t length);

/* The same for a text, for our own pages. */
extern int http_response_text(struct lws *wsi, unsigned int status, const char *type, const char *text);

/* The same for a complaint, as JSON with code and message. */
extern int http_response_complaint(struct lws *wsi, bool keeps_connection, const Config *readers,
								   const Complaint *complaint);

/* The same to who wants a connection and gets none. */
extern int http_response_refuse(struct lws *wsi, const Config *readers, const Complaint *complaint);

/* The same to a browser that asks whether a page of another origin may ask. */
extern int http_response_preflight(struct lws *wsi, const Config *readers);

#endif /* HERALD_HTTP_RESPONSE_H */

/*-------------------------------------------------------------------------
 *
 * http_response.h
 *	  Sends HTTP responses.
 *
 * All functions that return int return the value for libwebsockets' callback: 0, or -1
 * to close the connection.
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

/*
 * keeps_connection is allowed only for a request that was read in an earlier turn of the loop.  By then
 * libwebsockets has reported any bytes behind the request, and the connection was closed.
 * Otherwise libwebsockets would take them for the body of the next request, and never reach its end.
 */
typedef struct HttpResponse
{
	bool keeps_connection;
	unsigned int status;
	const char *type;		   /* of the body; NULL: there is no body */
	bool cross_origin;		   /* adds the CORS headers for pages of allowed origins */
	bool cacheable;			   /* its headers say for how long; other responses must not be stored */
	const HttpHeader *headers; /* more headers; the last has no name; NULL: none */
	const char *origin;		   /* of the page, if the headers of the request were freed; else NULL */
} HttpResponse;

/*
 * Sends the head of a response with the length of its body; LWS_ILLEGAL_HTTP_CONTENT_LEN: it ends with the connection.
 * Returns false if the connection is broken.
 */
extern bool http_response_begin(struct lws *wsi, const HttpResponse *response, lws_filepos_t length);

/*
 * Sends a complete response, to HEAD without its body; afterwards libwebsockets has no request any more.  If
 * the connection is to be closed while the client still sends, the rest of its request is read and discarded.
 */
extern int http_response_send(struct lws *wsi, const HttpResponse *response, const char *body, size_t length);

/*
 * Tells a client that has asked for it (Expect: 100-continue) to send the body of its request.  Returns false if the
 * connection is broken.
 */
extern bool http_response_continue(struct lws *wsi);

/* Sends a text, without CORS headers, and closes the connection. */
extern int http_response_text(struct lws *wsi, unsigned int status, const char *type, const char *text);

/* Refuses any method but GET and HEAD. */
extern int http_response_method_not_allowed(struct lws *wsi);

/* Sends an error as a JSON object with code and message.  origin is that of the HttpResponse. */
extern int http_response_error(struct lws *wsi, bool keeps, const char *origin, const HttpError *error);

/* Refuses a connection: counts it, logs it, sends the error and closes the connection.  origin is as above. */
extern int http_response_refuse(struct lws *wsi, const char *origin, const HttpError *error);

/* Allows a page of an allowed origin the headers that its preflight asks for (Fetch Standard, "CORS-preflight request"). */
extern int http_response_preflight(struct lws *wsi);

#endif /* HERALD_HTTP_RESPONSE_H */

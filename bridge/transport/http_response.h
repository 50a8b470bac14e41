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

/* A header of a response; its name ends with a colon. */
typedef struct HttpHeader
{
	const char *name;
	const char *value;
} HttpHeader;

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
	const HttpHeader *headers; /* more headers; the last has no name; NULL: none */
	const char *origin;		   /* of the page, if the headers of the request were freed; else NULL */
} HttpResponse;

/* Sends the head of a response; its body ends with the connection.  Returns false if the connection is broken. */
extern bool http_response_begin(struct lws *wsi, const HttpResponse *response);

/* Sends a complete response; afterwards libwebsockets has no request any more. */
extern int http_response_send(struct lws *wsi, const HttpResponse *response, const char *body, size_t length);

/* Sends a text, without CORS headers, and closes the connection. */
extern int http_response_text(struct lws *wsi, unsigned int status, const char *type, const char *text);

/* Sends an error as a JSON object with code and message.  origin is that of the HttpResponse. */
extern int http_response_error(struct lws *wsi, bool keeps_connection, const char *origin, const HttpError *error);

/* Refuses a connection: counts it, logs it, sends the error and closes the connection. */
extern int http_response_refuse(struct lws *wsi, const HttpError *error);

/* Answers a preflight request of a page from an allowed origin (Fetch Standard, "CORS-preflight request"). */
extern int http_response_preflight(struct lws *wsi);

#endif /* HERALD_HTTP_RESPONSE_H */

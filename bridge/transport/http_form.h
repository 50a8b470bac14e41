/*-------------------------------------------------------------------------
 *
 * http_form.h
 *	  Checks the form of HTTP requests and of upgrades to WebSockets.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HTTP_FORM_H
#define HERALD_HTTP_FORM_H

#include <libwebsockets.h>
#include <stdbool.h>

/* Size of a buffer for the path of a request that http_form_check() accepts, in bytes. */
#define HTTP_FORM_MAX_PATH 1024

/* A header of a response; its name ends with a colon. */
typedef struct HttpHeader
{
	const char *name;
	const char *value;
} HttpHeader;

/* The reason why a request is refused. */
typedef struct HttpError
{
	unsigned int status; /* of HTTP */
	const char *code;	 /* as JSON: a number or a quoted string */
	const char *message;
	const HttpHeader *headers; /* of the response; the last has no name; NULL: none */
} HttpError;

/* The request is malformed; Engine.IO's reference server has this error, too. */
extern const HttpError http_error_bad_request;

/* Returns whether a header, a list with commas, has a word in any case.  A header beyond 127 bytes has none. */
extern bool http_form_has_word(struct lws *wsi, enum lws_token_indexes header, const char *word);

/*
 * Checks TLS, version, path and host of any request, before anything is done for it.  Returns the reason why it is
 * refused; NULL: it may be served.
 */
extern const HttpError *http_form_check(struct lws *wsi);

/* Checks the same of a request for an upgrade, and that it is one to a WebSocket. */
extern const HttpError *http_form_check_upgrade(struct lws *wsi);

/* Checks the other headers of an upgrade to a WebSocket (RFC 6455, 4.2.1).  Returns why it is refused, or NULL. */
extern const HttpError *http_form_check_websocket(struct lws *wsi);

#endif /* HERALD_HTTP_FORM_H */

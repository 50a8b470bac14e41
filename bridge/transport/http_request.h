/*-------------------------------------------------------------------------
 *
 * http_request.h
 *	  What a client says when it comes, before it is connected.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HTTP_REQUEST_H
#define HERALD_HTTP_REQUEST_H

#include <jansson.h>
#include <libwebsockets.h>
#include <stdbool.h>

#include "base/config.h"
#include "protocol/connection.h"

#define HTTP_REQUEST_LONGEST_VALUE 8192
#define HTTP_REQUEST_LONGEST_ORIGIN 512

typedef struct HttpRequest
{
	bool socketio;
	bool old_client; /* it speaks Engine.IO 3 */
	char *token;
	char *position;
	char *dialect;
	char *sid;
	char *origin;
	json_t *rooms; /* an array of names */
} HttpRequest;

/* Why a request is not served: HTTP's status, and a code, as JSON, with words. */
typedef struct Complaint
{
	unsigned int status;
	const char *code;
	const char *message;
} Complaint;

/*
 * May this request become a WebSocket?  Returns what the library's callback
 * returns: 0 for yes; else the refusal has been sent and the connection is closed.
 */
extern int http_request_check_upgrade(struct lws *wsi, const Config *config);

/* The same for a request of polling, with the complaints of Engine.IO's reference server; NULL: it may be served. */
extern const Complaint *http_request_check_poll(struct lws *wsi, const Config *config);

extern const Complaint bad_request;
extern const Complaint old_client; /* the client speaks Engine.IO 3: old_client_payload() tells it so */

/* Logs that the page's origin is not allowed. */
extern void http_request_log_origin(struct lws *wsi);

/* Reads what the protocol needs, while the headers are there. */
extern bool http_request_read(HttpRequest *request, struct lws *wsi);

/* The same for the protocol, which looks into the request. */
extern Handshake http_request_handshake(const HttpRequest *request);

/* Frees and empties it; a token is not kept. */
extern void http_request_forget(HttpRequest *request);

/* The method, one of LWSHUMETH_..., and the path without arguments; -1: it is no request. */
extern int http_request_method(struct lws *wsi, char *path, size_t size);

/* An argument of the URL, copied; NULL when there is none.  The caller frees it. */
extern char *http_request_argument(struct lws *wsi, const char *name);

/* The origin of the page that asks; false: there is none, or it is too long. */
extern bool http_request_origin(struct lws *wsi, char origin[HTTP_REQUEST_LONGEST_ORIGIN]);

/* Is it in the list of the settings, or else the host that was asked?  What no page asks is allowed. */
extern bool http_request_origin_is_allowed(struct lws *wsi, const Config *config);

/* The length of the body that follows; -1: nobody knows. */
extern long http_request_body_length(struct lws *wsi);

/* A path of Socket.IO, with or without the last slash? */
extern bool http_request_is_socketio(const char *path);

#endif /* HERALD_HTTP_REQUEST_H */

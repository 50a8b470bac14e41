/*-------------------------------------------------------------------------
 *
 * http_request.h
 *	  Reads and checks HTTP requests and upgrade requests.
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
#include "transport/client_socket.h"
#include "transport/http_form.h"

/* Sizes of buffers, in bytes. */
#define HTTP_REQUEST_MAX_VALUE 8192
#define HTTP_REQUEST_MAX_ORIGIN 512

/* The contents of a request that a protocol needs.  http_request_reset() frees them. */
typedef struct HttpRequest
{
	bool socketio;	 /* the path is that of Socket.IO */
	bool old_client; /* the client speaks Engine.IO 3 */
	char *token;
	char *cookie; /* of the session */
	char *key;	  /* of the session that comes back */
	char *position;
	char *dialect;
	char *sid;
	char *origin;
	char peer[NETWORK_ADDRESS_TEXT]; /* network address of the client */
	json_t *rooms;					 /* an array of names */
} HttpRequest;

/* The errors that other files need, too.  Those without a reason are of Engine.IO's reference server. */
extern const HttpError http_error_host;		  /* the request names a host that is not in allow-host */
extern const HttpError http_error_old_client; /* the client speaks Engine.IO 3: old_client_payload() tells it so */

/* Returns the settings with which the server was started. */
extern const Config *http_request_config(struct lws *wsi);

/* Returns the reason why a request may not become a WebSocket; NULL: it may. */
extern const HttpError *http_request_check_upgrade(struct lws *wsi);

/*
 * Counts a request for its address, unless it is a poll of a session in good form.  Returns the error if there are too
 * many, else "form", the error that a check of its form has found.  connection_admitted() takes the count back.
 */
extern const HttpError *http_request_count(struct lws *wsi, const HttpError *form);

/* Checks a polling request as Engine.IO's reference server does.  Returns the error, or NULL: it may be served. */
extern const HttpError *http_request_check_poll(struct lws *wsi);

/* Reads a GET or POST request into *request, while libwebsockets has its headers.  Returns false for other methods. */
extern bool http_request_read(HttpRequest *request, struct lws *wsi);

/* Returns the request as a handshake for a protocol; its strings belong to the request. */
extern Handshake http_request_handshake(const HttpRequest *request);

/* Frees the contents of a request and empties it. */
extern void http_request_reset(HttpRequest *request);

/* Returns the method, LWSHUMETH_..., and copies the path without arguments; -1: malformed, or the path is too long. */
extern int http_request_method(struct lws *wsi, char *path, size_t size);

/* Returns a copy of an argument of the URL, which the caller frees; NULL: there is none. */
extern char *http_request_argument(struct lws *wsi, const char *name);

/* Copies the Origin header (RFC 6454, 7).  Returns false if there is none, or if it is too long. */
extern bool http_request_origin(struct lws *wsi, char origin[HTTP_REQUEST_MAX_ORIGIN]);

/* Returns a copy of the Origin header, which the caller frees; NULL: there is none, or it is too long. */
extern char *http_request_copy_origin(struct lws *wsi);

/*
 * Returns whether allow-origin has the request's origin or, if that setting is empty, whether the origin is the
 * requested host.  A request without an origin is allowed: it comes from no page.
 */
extern bool http_request_origin_is_allowed(struct lws *wsi);

/*
 * Returns whether allow-host has the requested host, or is empty; else logs it if asked to, one line a second at most.
 * A request that connects no client may also name no host, an address or localhost: probes do, and no page of an
 * attacker.
 */
extern bool http_request_host_is_allowed(struct lws *wsi, bool connects, bool logged);

/* Logs a refused origin with the client's address, one line a second at most. */
extern void http_request_log_origin(struct lws *wsi);

/* Returns the length of the request's body in bytes; -1: unknown. */
extern long http_request_body_length(struct lws *wsi);

/* Returns what the request's response depends on: whether it has a body, and whether its client ends the connection. */
extern RequestTraits http_request_traits(struct lws *wsi);

/* Returns whether a path is that of Socket.IO, with or without its last slash. */
extern bool http_request_is_socketio(const char *path);

#endif /* HERALD_HTTP_REQUEST_H */

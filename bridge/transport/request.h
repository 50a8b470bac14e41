/*-------------------------------------------------------------------------
 *
 * request.h
 *	  What a client says when it comes, before it is connected.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_REQUEST_H
#define HERALD_REQUEST_H

#include <jansson.h>
#include <libwebsockets.h>
#include <stdbool.h>

#include "base/config.h"
#include "protocol/protocol.h"

#define REQUEST_LONGEST_VALUE 8192

typedef struct Request
{
	bool socketio;
	char *token;
	char *position;
	char *dialect;
	json_t *rooms; /* an array of names */
} Request;

/*
 * May this request become a WebSocket?  Returns what the library's callback
 * returns: 0 for yes; else the refusal has been sent.
 */
extern int request_check_upgrade(struct lws *wsi, const Config *config);

/* Reads what the protocol needs, while the headers are there. */
extern bool request_read(Request *request, struct lws *wsi);

/* The same for the protocol, which looks into the request. */
extern Handshake request_handshake(const Request *request);

/* Frees and empties it; a token is not kept. */
extern void request_forget(Request *request);

/* An argument of the URL, copied; NULL when there is none.  The caller frees it. */
extern char *request_argument(struct lws *wsi, const char *name);

/* Is the request's origin in the list, or else the host that was asked?  One without an origin is not a browser's. */
extern bool request_origin_is_allowed(struct lws *wsi, const Config *config);

/* A path of Socket.IO, with or without the last slash? */
extern bool request_is_socketio(const char *path);

#endif /* HERALD_REQUEST_H */

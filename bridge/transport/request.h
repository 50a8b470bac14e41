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

#include <libwebsockets.h>
#include <stdbool.h>

#include "base/config.h"

#define REQUEST_LONGEST_VALUE 8192

typedef struct Request
{
	bool socketio;
	char *token;
	char *position;
	char *dialect;
	char peer[48];
} Request;

/*
 * May this request become a WebSocket?  Returns what the library's callback
 * returns: 0 for yes; else the refusal has been sent.
 */
extern int request_check_upgrade(struct lws *wsi, const Config *config);

/* Reads what the protocol needs, while the headers are there. */
extern bool request_read(Request *request, struct lws *wsi);

/* Frees what a client has said for its protocol; a token is not kept. */
extern void request_forget(Request *request);

/* An argument of the URL, copied; NULL when there is none.  The caller frees it. */
extern char *request_argument(struct lws *wsi, const char *name);

/* A path of Socket.IO, with or without the last slash? */
extern bool request_is_socketio(const char *path);

#endif /* HERALD_REQUEST_H */

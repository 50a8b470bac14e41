/*-------------------------------------------------------------------------
 *
 * action_request.h
 *	  Serves POST /actions/NAME: one action by one request.
 *
 * All functions that return int return the value for libwebsockets' callback: 0, or -1
 * to close the connection.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ACTION_REQUEST_H
#define HERALD_ACTION_REQUEST_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "base/timer.h"
#include "gateway/lone_action.h"
#include "transport/http_request.h"

/* A request until its response has been sent; part of the per-session data that libwebsockets allocates and frees. */
typedef struct ActionRequest
{
	LoneAction action;	 /* first: an action is cast to its request */
	struct lws *wsi;	 /* NULL: there is no request */
	char *name;			 /* of the action */
	HttpRequest request; /* without the headers that it does not need */
	char *body;
	size_t announced; /* length of the body, in bytes */
	size_t reserved;  /* bytes of it that have their place, and are on the budget */
	size_t length;	  /* of the body received so far */
	bool admitted;	  /* the token or cookie is good */
	bool held;		  /* the body is not read until the cookie is checked */
	Timer hold;		  /* ends libwebsockets' time for the body */
	bool continued;	  /* the client has been told to send the body, if it waits for that */
	bool complete;	  /* the whole body has been received */
	bool submitted;	  /* the action has begun, and the request's headers are gone */
	char *answer;	  /* JSON; NULL: there is none yet */
} ActionRequest;

/* Returns whether a path is that of an action. */
extern bool action_request_is_path(const char *path);

/* Returns whether there is a request that waits for its body or its answer. */
extern bool action_request_is_open(const ActionRequest *request);

/* Handles the headers of a request to such a path. */
extern int action_request_begin(ActionRequest *request, struct lws *wsi, int method, const char *path);

/* Refuses a request to such a path for this error. */
extern int action_request_refuse(struct lws *wsi, const HttpError *error);

/* Handles a piece of a request's body, and its end. */
extern int action_request_body(ActionRequest *request, const void *piece, size_t length);
extern int action_request_complete(ActionRequest *request);

/* Submits the action of a complete request, or sends its answer: the connection is writable. */
extern int action_request_writable(ActionRequest *request);

/* Forgets a request: its connection is gone. */
extern void action_request_drop(ActionRequest *request);

/* Refuses all requests from now on.  Those that wait are still answered: this is their number. */
extern void action_request_refuse_all(void);
extern long action_request_count(void);

#endif /* HERALD_ACTION_REQUEST_H */

/*-------------------------------------------------------------------------
 *
 * answer.h
 *	  Answers to HTTP requests: head and body.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ANSWER_H
#define HERALD_ANSWER_H

#include <libwebsockets.h>
#include <stdbool.h>

#include "transport/request.h"

#define TEXT_TYPE "text/plain; charset=utf-8"
#define JSON_TYPE "application/json"

/* A header beside those that every answer has; its name ends with a colon. */
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
typedef struct Answer
{
	bool keeps_connection;
	unsigned int status;
	const char *type;	   /* of the body; NULL: it has none */
	const Config *readers; /* pages of the origins that it allows may read it; NULL: only our own pages */
	const Header *headers; /* the last has no name; NULL: none */
} Answer;

/* Sends the head of an answer whose body ends with the connection; false: the connection is broken. */
extern bool answer_begin(struct lws *wsi, const Answer *answer);

/*
 * Sends a whole answer, after which the request is gone.  This and what follows
 * returns what the library's callback returns: 0, or -1 to close the connection.
 */
extern int answer_send(struct lws *wsi, const Answer *answer, const char *body, size_t length);

/* The same for a text, for our own pages. */
extern int answer_text(struct lws *wsi, unsigned int status, const char *type, const char *text);

/* The same for a complaint, as JSON with code and message. */
extern int answer_complaint(struct lws *wsi, bool keeps_connection, const Config *readers, const Complaint *complaint);

/* The same to who wants a connection and gets none. */
extern int answer_refuse(struct lws *wsi, const Config *readers, const Complaint *complaint);

/* The same to a browser that asks whether a page of another origin may ask. */
extern int answer_preflight(struct lws *wsi, const Config *readers);

#endif /* HERALD_ANSWER_H */

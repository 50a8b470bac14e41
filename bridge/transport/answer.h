/*-------------------------------------------------------------------------
 *
 * answer.h
 *	  Sends whole answers to HTTP requests.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ANSWER_H
#define HERALD_ANSWER_H

#include <libwebsockets.h>
#include <stdbool.h>

/* A header beside those that every answer has; its name ends with a colon. */
typedef struct Header
{
	const char *name;
	const char *value;
} Header;

/*
 * An answer.  The headers end with one that has no name; without any, NULL.
 *
 * Only a request that was read in an earlier turn may be answered by one that
 * keeps the connection: by then the library has shown what came behind it, and
 * the connection was closed.  Else it would take the rest of its buffer for the
 * body of the next request, and never come to its end.
 */
typedef struct Answer
{
	bool keeps_connection;
	unsigned int status;
	const char *type;
	const Header *headers;
	const char *body;
	size_t length;
} Answer;

/* Sends it; then the request is gone.  Returns what the library's callback returns; -1 closes the connection. */
extern int answer_send(struct lws *wsi, const Answer *answer);

#endif /* HERALD_ANSWER_H */

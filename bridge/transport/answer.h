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

/* A header beside those that every answer has; its name ends with a colon. */
typedef struct Header
{
	const char *name;
	const char *value;
} Header;

/*
 * Sends an answer, after which the request is gone.  The headers end with one
 * that has no name; without any, NULL.  Returns what the library's callback
 * returns: 0, or -1 if the connection must be closed.
 */
extern int answer_send(struct lws *wsi, unsigned int status, const char *type, const Header *headers, const char *body,
					   size_t length);

#endif /* HERALD_ANSWER_H */

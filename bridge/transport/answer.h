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

#define TEXT_TYPE "text/plain; charset=utf-8"
#define JSON_TYPE "application/json"

typedef struct Answer
{
	unsigned int status;
	const char *type;
	const char *origin;			/* whose pages may read it; NULL: only the same origin's */
	const char *const *headers; /* name, value, ..., NULL; or NULL: no others */
} Answer;

/* Sends the head of an answer whose body ends with the connection; false: the connection is broken. */
extern bool answer_begin(struct lws *wsi, const Answer *answer);

/* Sends a whole answer; returns what the library's callback returns. */
extern int answer_send(struct lws *wsi, const Answer *answer, const char *body, size_t length);

/* The same for a text. */
extern int answer_text(struct lws *wsi, unsigned int status, const char *type, const char *text);

#endif /* HERALD_ANSWER_H */

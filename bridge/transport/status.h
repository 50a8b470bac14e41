/*-------------------------------------------------------------------------
 *
 * status.h
 *	  Answers plain HTTP requests: health, metrics, files, and refusals.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_STATUS_H
#define HERALD_STATUS_H

#include <libwebsockets.h>

/* Answers a request, from a folder if nothing else fits; returns what the library's callback returns. */
extern int status_answer(struct lws *wsi, int method, const char *path, const char *folder);

#endif /* HERALD_STATUS_H */

/*-------------------------------------------------------------------------
 *
 * status.h
 *	  Answers plain HTTP requests: health, readiness, metrics, and files of the www folder.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_STATUS_H
#define HERALD_STATUS_H

#include <libwebsockets.h>

/*
 * Answers a request.  A path without a meaning of its own is served from "folder"; if that is empty, with 404.
 * Returns the value for libwebsockets' callback: 0, or -1 to close the connection.
 */
extern int status_answer(struct lws *wsi, int method, const char *path, const char *folder);

#endif /* HERALD_STATUS_H */

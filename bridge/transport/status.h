/*-------------------------------------------------------------------------
 *
 * status.h
 *	  Answers requests about the bridge itself: health, readiness, metrics and a page with all of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_STATUS_H
#define HERALD_STATUS_H

#include <libwebsockets.h>
#include <stdbool.h>

/*
 * Returns whether the path has a meaning here.  With admin-listen, clients see only that the bridge runs and
 * whether it is ready.
 */
extern bool status_is_path(struct lws *wsi, const char *path);

/* Answers a request.  Returns the value for libwebsockets' callback: 0, or -1 to close the connection. */
extern int status_answer(struct lws *wsi, int method, const char *path);

#endif /* HERALD_STATUS_H */

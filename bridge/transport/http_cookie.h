/*-------------------------------------------------------------------------
 *
 * http_cookie.h
 *	  Reads a cookie of a request, unless another site may have made the browser send it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_HTTP_COOKIE_H
#define HERALD_HTTP_COOKIE_H

#include <libwebsockets.h>

/*
 * Returns the value of the cookie with this name, which the caller frees.  NULL: there is none, the name is empty, or
 * the request has no origin and comes from the page of another site.
 */
extern char *http_cookie_read(struct lws *wsi, const char *name);

#endif /* HERALD_HTTP_COOKIE_H */

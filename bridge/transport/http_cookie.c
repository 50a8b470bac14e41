/*-------------------------------------------------------------------------
 *
 * http_cookie.c
 *	  Reads a cookie of a request, unless another site may have made the browser send it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/http_cookie.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cookie.h"
#include "base/memory.h"

#define MAX_HEADER 8192

/*
 * A request for an image, for example, has no Origin.  Its page cannot read the response, but would begin a session.
 * Browsers tell such requests by Sec-Fetch-Site (Fetch Metadata Request Headers, 2.4).
 */
static bool
is_cross_site(struct lws *wsi)
{
	static const char header[] = "sec-fetch-site:";
	char site[32] = "";

	return lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0 &&
		   lws_hdr_custom_copy(wsi, site, sizeof(site), header, sizeof(header) - 1) > 0 && strcmp(site, "cross-site") == 0;
}

/* libwebsockets joins several headers without a separator. */
static char *
find_cookie(struct lws *wsi, const char *name)
{
	char *header = memory_new(MAX_HEADER);
	char *value = NULL;

	for (int i = 0; value == NULL && lws_hdr_copy_fragment(wsi, header, MAX_HEADER, WSI_TOKEN_HTTP_COOKIE, i) >= 0; i++)
		value = cookie_value(header, name);
	free(header);
	return value;
}

char *
http_cookie_read(struct lws *wsi, const char *name)
{
	return name[0] == '\0' || is_cross_site(wsi) ? NULL : find_cookie(wsi, name);
}

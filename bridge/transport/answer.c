/*-------------------------------------------------------------------------
 *
 * answer.c
 *	  Sends whole answers to HTTP requests.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/answer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define LARGEST_HEADERS 2048

static bool
add_headers(struct lws *wsi, const Header *headers, unsigned char **at, unsigned char *end)
{
	for (; headers != NULL && headers->name != NULL; headers++)
	{
		if (lws_add_http_header_by_name(wsi, (const unsigned char *) headers->name, (const unsigned char *) headers->value,
										(int) strlen(headers->value), at, end) != 0)
			return false;
	}
	return true;
}

/* Headers and body leave in one write. */
int
answer_send(struct lws *wsi, unsigned int status, const char *type, const Header *headers, const char *body, size_t length)
{
	unsigned char *buffer = memory_new(LWS_PRE + LARGEST_HEADERS + length);
	unsigned char *start = buffer + LWS_PRE;
	unsigned char *at = start;
	unsigned char *end = start + LARGEST_HEADERS;
	bool sent = false;

	if (lws_add_http_common_headers(wsi, status, type, (lws_filepos_t) length, &at, end) == 0 &&
		add_headers(wsi, headers, &at, end) && lws_finalize_http_header(wsi, &at, end) == 0)
	{
		if (length > 0)
			memcpy(at, body, length);
		sent = lws_write(wsi, start, (size_t) (at - start) + length, LWS_WRITE_HTTP_HEADERS) >= 0;
	}
	free(buffer);
	return sent && lws_http_transaction_completed(wsi) == 0 ? 0 : -1;
}

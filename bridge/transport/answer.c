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
add_header(struct lws *wsi, const Header *header, unsigned char **at, unsigned char *end)
{
	return lws_add_http_header_by_name(wsi, (const unsigned char *) header->name, (const unsigned char *) header->value,
									   (int) strlen(header->value), at, end) == 0;
}

static bool
write_headers(struct lws *wsi, const Answer *answer, unsigned char **at, unsigned char *end)
{
	static const Header last = { "connection:", "close" };
	bool good = lws_add_http_common_headers(wsi, answer->status, answer->type, answer->length, at, end) == 0;

	for (const Header *header = answer->headers; good && header != NULL && header->name != NULL; header++)
		good = add_header(wsi, header, at, end);
	if (good && !answer->keeps_connection)
		good = add_header(wsi, &last, at, end);
	return good && lws_finalize_http_header(wsi, at, end) == 0;
}

/* Headers and body leave in one write. */
int
answer_send(struct lws *wsi, const Answer *answer)
{
	unsigned char *buffer = memory_new(LWS_PRE + LARGEST_HEADERS + answer->length);
	unsigned char *start = buffer + LWS_PRE;
	unsigned char *at = start;
	bool sent = write_headers(wsi, answer, &at, start + LARGEST_HEADERS);

	if (sent && answer->length > 0)
		memcpy(at, answer->body, answer->length);
	if (sent)
		sent = lws_write(wsi, start, (size_t) (at - start) + answer->length, LWS_WRITE_HTTP_HEADERS) >= 0;
	free(buffer);
	return sent && answer->keeps_connection && lws_http_transaction_completed(wsi) == 0 ? 0 : -1;
}

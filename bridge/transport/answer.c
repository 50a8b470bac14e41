/*-------------------------------------------------------------------------
 *
 * answer.c
 *	  Answers to HTTP requests: head and body.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define LARGEST_HEAD 4096
#define LARGEST_BODY 32768

static bool
add_headers(struct lws *wsi, const char *const *headers, unsigned char **at, unsigned char *end)
{
	for (; headers != NULL && *headers != NULL; headers += 2)
	{
		if (lws_add_http_header_by_name(wsi, (const unsigned char *) headers[0], (const unsigned char *) headers[1],
										(int) strlen(headers[1]), at, end))
			return false;
	}
	return true;
}

static bool
send_head(struct lws *wsi, const Answer *answer, lws_filepos_t length)
{
	unsigned char buffer[LWS_PRE + LARGEST_HEAD];
	unsigned char *start = buffer + LWS_PRE;
	unsigned char *at = start;
	unsigned char *end = start + LARGEST_HEAD;
	const char *const shared[] = {
		"access-control-allow-origin:", answer->origin,
		"access-control-allow-credentials:", "true",
		"vary:", "origin",
		NULL
	};

	return !lws_add_http_common_headers(wsi, answer->status, answer->type, length, &at, end) &&
		   (answer->origin == NULL || add_headers(wsi, shared, &at, end)) &&
		   add_headers(wsi, answer->headers, &at, end) &&
		   !lws_finalize_write_http_header(wsi, start, &at, end);
}

/* Without a length the library says that the connection will close. */
bool
answer_begin(struct lws *wsi, const Answer *answer)
{
	return send_head(wsi, answer, LWS_ILLEGAL_HTTP_CONTENT_LEN);
}

int
answer_send(struct lws *wsi, const Answer *answer, const char *body, size_t length)
{
	unsigned char *buffer = memory_new(LWS_PRE + LARGEST_BODY);
	bool sent = length <= LARGEST_BODY && send_head(wsi, answer, (lws_filepos_t) length);

	if (sent && length > 0)
	{
		memcpy(buffer + LWS_PRE, body, length);
		sent = lws_write(wsi, buffer + LWS_PRE, length, LWS_WRITE_HTTP_FINAL) >= 0;
	}
	free(buffer);
	return sent && !lws_http_transaction_completed(wsi) ? 0 : -1;
}

int
answer_text(struct lws *wsi, unsigned int status, const char *type, const char *text)
{
	Answer answer = { .status = status, .type = type };

	return answer_send(wsi, &answer, text, strlen(text));
}

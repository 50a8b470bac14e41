/*-------------------------------------------------------------------------
 *
 * http_response.c
 *	  Sends HTTP responses.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/http_response.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "transport/idle_sockets.h"

#define MAX_HEAD 4096

static bool
add_headers(struct lws *wsi, const HttpHeader *headers, unsigned char **at, unsigned char *end)
{
	for (; headers != NULL && headers->name != NULL; headers++)
	{
		const unsigned char *name = (const unsigned char *) headers->name;
		const unsigned char *value = (const unsigned char *) headers->value;

		if (lws_add_http_header_by_name(wsi, name, value, (int) strlen(headers->value), at, end) != 0)
			return false;
	}
	return true;
}

static bool
add_cors_headers(struct lws *wsi, const char *origin, unsigned char **at, unsigned char *end)
{
	char of_request[HTTP_REQUEST_MAX_ORIGIN];
	bool crosses = origin != NULL || (http_request_origin(wsi, of_request) && http_request_origin_is_allowed(wsi));
	const HttpHeader headers[] = {
		{ "cache-control:", "no-store" },
		{ "vary:", "Origin" },
		{ crosses ? "access-control-allow-origin:" : NULL, origin ? origin : of_request },
		{ "access-control-allow-credentials:", "true" },
		{ NULL, NULL },
	};

	return add_headers(wsi, headers, at, end);
}

/* Without a length libwebsockets itself adds the header that the connection will close. */
static bool
write_head(struct lws *wsi, const HttpResponse *response, lws_filepos_t length, unsigned char **at, unsigned char *end)
{
	static const HttpHeader close[] = { { "connection:", "close" }, { NULL, NULL } };
	bool is_added = response->keeps_connection || length == LWS_ILLEGAL_HTTP_CONTENT_LEN;

	return lws_add_http_common_headers(wsi, response->status, response->type, length, at, end) == 0 &&
		   (!response->cross_origin || add_cors_headers(wsi, response->origin, at, end)) &&
		   add_headers(wsi, response->headers, at, end) &&
		   (is_added || add_headers(wsi, close, at, end)) && lws_finalize_http_header(wsi, at, end) == 0;
}

/* Writes head and body together. */
static bool
send_bytes(struct lws *wsi, const HttpResponse *response, lws_filepos_t announced, const char *body, size_t length)
{
	unsigned char *buffer = memory_new(LWS_PRE + MAX_HEAD + length);
	unsigned char *start = buffer + LWS_PRE;
	unsigned char *at = start;
	bool sent = write_head(wsi, response, announced, &at, start + MAX_HEAD);

	if (sent && length > 0)
		memcpy(at, body, length);
	if (sent)
		sent = lws_write(wsi, start, (size_t) (at - start) + length, LWS_WRITE_HTTP_HEADERS) >= 0;
	free(buffer);
	return sent;
}

bool
http_response_begin(struct lws *wsi, const HttpResponse *response)
{
	return send_bytes(wsi, response, LWS_ILLEGAL_HTTP_CONTENT_LEN, NULL, 0);
}

int
http_response_send(struct lws *wsi, const HttpResponse *response, const char *body, size_t length)
{
	bool sent;

	assert(length == 0 || response->type != NULL);
	sent = send_bytes(wsi, response, (lws_filepos_t) length, body, length);

	idle_sockets_idle(wsi);
	return sent && response->keeps_connection && lws_http_transaction_completed(wsi) == 0 ? 0 : -1;
}

int
http_response_text(struct lws *wsi, unsigned int status, const char *type, const char *text)
{
	HttpResponse response = { .status = status, .type = type };

	return http_response_send(wsi, &response, text, strlen(text));
}

int
http_response_error(struct lws *wsi, bool keeps_connection, const char *origin, const HttpError *error)
{
	HttpResponse response = { keeps_connection, error->status, JSON_TYPE, true, NULL, origin };
	char *message = json_quoted(error->message);
	char *body = memory_format("{\"code\":%s,\"message\":%s}", error->code, message);
	int result = http_response_send(wsi, &response, body, strlen(body));

	free(message);
	free(body);
	return result;
}

int
http_response_refuse(struct lws *wsi, const HttpError *error)
{
	metrics.connections_refused++;
	log_debug("refused", "reason", error->message);
	return http_response_error(wsi, false, NULL, error);
}

int
http_response_preflight(struct lws *wsi)
{
	static const HttpHeader headers[] = {
		{ "access-control-allow-methods:", "GET, POST" },
		{ "access-control-allow-headers:", "Authorization, Cache-Control, Content-Type, Last-Event-ID" },
		{ "access-control-max-age:", "7200" },
		{ NULL, NULL },
	};
	HttpResponse response = { .status = HTTP_STATUS_NO_CONTENT, .cross_origin = true, .headers = headers };

	return http_response_send(wsi, &response, NULL, 0);
}

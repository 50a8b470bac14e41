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
#include <strings.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "transport/client_socket.h"
#include "transport/lingering_socket.h"

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
		{ "vary:", "Origin" },
		{ crosses ? "access-control-allow-origin:" : NULL, origin ? origin : of_request },
		{ "access-control-allow-credentials:", "true" },
		{ NULL, NULL },
	};

	return add_headers(wsi, headers, at, end);
}

static bool
keeps_connection(struct lws *wsi, const HttpResponse *response)
{
	return response->keeps_connection && !client_socket_request(wsi)->closes;
}

/* Without a length libwebsockets itself adds the header that the connection will close. */
static bool
write_head(struct lws *wsi, const HttpResponse *response, lws_filepos_t length, unsigned char **at, unsigned char *end)
{
	static const HttpHeader close[] = { { "connection:", "close" }, { NULL, NULL } };
	static const HttpHeader no_store[] = { { "cache-control:", "no-store" }, { NULL, NULL } };
	bool is_added = keeps_connection(wsi, response) || length == LWS_ILLEGAL_HTTP_CONTENT_LEN;

	return lws_add_http_common_headers(wsi, response->status, response->type, length, at, end) == 0 &&
		   (!response->cross_origin || add_cors_headers(wsi, response->origin, at, end)) &&
		   add_headers(wsi, response->headers, at, end) &&
		   (response->cacheable || add_headers(wsi, no_store, at, end)) &&
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
http_response_begin(struct lws *wsi, const HttpResponse *response, lws_filepos_t length)
{
	return send_bytes(wsi, response, length, NULL, 0);
}

int
http_response_send(struct lws *wsi, const HttpResponse *response, const char *body, size_t length)
{
	bool is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
	bool keeps = keeps_connection(wsi, response);
	bool sent;

	assert(length == 0 || response->type != NULL);
	sent = send_bytes(wsi, response, (lws_filepos_t) length, body, is_head ? 0 : length);
	client_socket_idle(wsi);
	if (sent && !keeps && client_socket_request(wsi)->has_body)
		lingering_socket_adopt(lws_get_socket_fd(wsi));
	return sent && keeps && lws_http_transaction_completed(wsi) == 0 ? 0 : -1;
}

int
http_response_text(struct lws *wsi, unsigned int status, const char *type, const char *text)
{
	static const HttpHeader headers[] = { { "x-content-type-options:", "nosniff" }, { NULL, NULL } };
	HttpResponse response = { .status = status, .type = type, .headers = headers };

	return http_response_send(wsi, &response, text, strlen(text));
}

int
http_response_method_not_allowed(struct lws *wsi)
{
	static const HttpHeader headers[] = { { "allow:", "GET, HEAD" }, { NULL, NULL } };
	static const char text[] = "Only GET is served here\n";
	HttpResponse response = { .status = HTTP_STATUS_METHOD_NOT_ALLOWED, .type = TEXT_TYPE, .headers = headers };

	return http_response_send(wsi, &response, text, sizeof(text) - 1);
}

int
http_response_error(struct lws *wsi, bool keeps, const char *origin, const HttpError *error)
{
	HttpResponse response = { .keeps_connection = keeps,
							  .status = error->status,
							  .type = JSON_TYPE,
							  .cross_origin = true,
							  .headers = error->headers,
							  .origin = origin };
	char *message = json_quoted(error->message);
	char *body = memory_format("{\"code\":%s,\"message\":%s}", error->code, message);
	int result = http_response_send(wsi, &response, body, strlen(body));

	free(message);
	free(body);
	return result;
}

int
http_response_refuse(struct lws *wsi, const char *origin, const HttpError *error)
{
	metrics.connections_refused++;
	log_debug("refused", "reason", error->message);
	return http_response_error(wsi, false, origin, error);
}

bool
http_response_continue(struct lws *wsi)
{
	static const char head[] = "HTTP/1.1 100 Continue\r\n\r\n";
	unsigned char buffer[LWS_PRE + sizeof(head)];
	char expectation[16];

	if (lws_hdr_copy(wsi, expectation, sizeof(expectation), WSI_TOKEN_HTTP_EXPECT) <= 0 ||
		strcasecmp(expectation, "100-continue") != 0)
		return true;
	memcpy(buffer + LWS_PRE, head, sizeof(head));
	return lws_write(wsi, buffer + LWS_PRE, sizeof(head) - 1, LWS_WRITE_RAW) >= 0;
}

/* Returns whether a header consists of names of headers (RFC 9110, 5.1) with commas between them. */
static bool
is_list_of_names(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~, ";

	return text[strspn(text, allowed)] == '\0';
}

/* The page's origin is allowed, so its pages may send what headers they like. */
int
http_response_preflight(struct lws *wsi)
{
	static const char usual[] = "Authorization, Cache-Control, Content-Type, Last-Event-ID";
	char names[MAX_HEAD / 2];
	int length = lws_hdr_copy(wsi, names, sizeof(names), WSI_TOKEN_HTTP_AC_REQUEST_HEADERS);
	bool asks = length > 0 && is_list_of_names(names);
	const HttpHeader headers[] = {
		{ "access-control-allow-methods:", "GET, POST" },
		{ "access-control-max-age:", "7200" },
		{ "access-control-allow-headers:", usual },
		{ asks ? "access-control-allow-headers:" : NULL, names },
		{ NULL, NULL },
	};
	HttpResponse response = { .status = HTTP_STATUS_NO_CONTENT, .cross_origin = true, .headers = headers };

	return http_response_send(wsi, &response, NULL, 0);
}

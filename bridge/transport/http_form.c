/*-------------------------------------------------------------------------
 *
 * http_form.c
 *	  Checks the form of HTTP requests and of upgrades to WebSockets.
 *
 * libwebsockets parses requests leniently: it ends a request's line at an encoded carriage return, and accepts
 * several hosts, any version or none, malformed lines, and any key of a WebSocket.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/http_form.h"

#include <string.h>
#include <strings.h>

#include "transport/client_socket.h"
#include "transport/tls.h"

#define HTTP_STATUS_UPGRADE_REQUIRED 426 /* RFC 9110, 15.5.22 */

const HttpError http_error_bad_request = { HTTP_STATUS_BAD_REQUEST, "3", "Bad request", NULL };

/* Returns whether a header exists and fits into "value", which gets it. */
static bool
copy_header(struct lws *wsi, enum lws_token_indexes header, char *value, size_t size)
{
	return lws_hdr_copy(wsi, value, (int) size, header) > 0;
}

bool
http_form_has_word(struct lws *wsi, enum lws_token_indexes header, const char *word)
{
	char value[128] = "";
	const char *list = value;

	copy_header(wsi, header, value, sizeof(value));
	while (*(list += strspn(list, ", \t")) != '\0')
	{
		size_t length = strcspn(list, ", \t");

		if (length == strlen(word) && strncasecmp(list, word, length) == 0)
			return true;
		list += length;
	}
	return false;
}

static bool
is_http_1_1(struct lws *wsi)
{
	char version[16];

	return copy_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version)) && strcmp(version, "HTTP/1.1") == 0;
}

/* Returns whether there is one host; HTTP/1.0 needs none.  libwebsockets joins several headers with commas. */
static bool
has_one_host(struct lws *wsi)
{
	char host[256] = "";

	if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) == 0)
		return !is_http_1_1(wsi);
	return copy_header(wsi, WSI_TOKEN_HOST, host, sizeof(host)) && strchr(host, ',') == NULL;
}

/* Returns how many headers of a name libwebsockets has; those without a value do not count. */
static int
count_headers(struct lws *wsi, enum lws_token_indexes header)
{
	int count = 0;

	while (lws_hdr_fragment_length(wsi, header, count) > 0)
		count++;
	return count;
}

/* Returns whether the head is well-formed, and libwebsockets has seen each header that says what the request is. */
static bool
is_read_as_it_came(struct lws *wsi)
{
	static const enum lws_token_indexes headers[HEAD_NAMES] = {
		[HEAD_CONTENT_LENGTH] = WSI_TOKEN_HTTP_CONTENT_LENGTH,
		[HEAD_TRANSFER_ENCODING] = WSI_TOKEN_HTTP_TRANSFER_ENCODING,
		[HEAD_HOST] = WSI_TOKEN_HOST,
		[HEAD_ORIGIN] = WSI_TOKEN_ORIGIN,
		[HEAD_CONNECTION] = WSI_TOKEN_CONNECTION,
		[HEAD_UPGRADE] = WSI_TOKEN_UPGRADE,
		[HEAD_EXPECT] = WSI_TOKEN_HTTP_EXPECT,
	};
	const HeadForm *head = client_socket_head(wsi);

	for (int i = 0; i < HEAD_NAMES; i++)
	{
		if (head->counts[i] > count_headers(wsi, headers[i]))
			return false;
	}
	return head->place == HEAD_COMPLETE;
}

const HttpError *
http_form_check(struct lws *wsi)
{
	static const HttpError tls = { HTTP_STATUS_BAD_REQUEST, "\"tls_required\"", "This port speaks TLS: use https or wss", NULL };
	static const HttpError version_unknown = { HTTP_STATUS_HTTP_VERSION_NOT_SUPPORTED, "3", "HTTP version not supported", NULL };
	static const HttpError too_long = { HTTP_STATUS_REQ_URI_TOO_LONG, "3", "Path too long", NULL };
	static const HttpError malformed = { HTTP_STATUS_BAD_REQUEST, "3", "Bad request: the head is malformed", NULL };
	char version[16];
	char *path;
	int length;

	if (tls_is_missing(wsi))
		return &tls;
	if (!is_read_as_it_came(wsi))
		return &malformed;
	if (!copy_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version)) || strncmp(version, "HTTP/1.", 7) != 0)
		return &version_unknown;
	if (lws_http_get_uri_and_method(wsi, &path, &length) < 0 || !has_one_host(wsi))
		return &http_error_bad_request;
	return length >= HTTP_FORM_MAX_PATH ? &too_long : NULL;
}

/* Any other upgrade must not pass: on a connection that was used before, libwebsockets would read freed memory. */
const HttpError *
http_form_check_upgrade(struct lws *wsi)
{
	static const HttpError unknown = { HTTP_STATUS_BAD_REQUEST, "3", "Upgrade unknown: only websocket is served", NULL };
	const HttpError *error = http_form_check(wsi);
	char name[32];

	if (error != NULL)
		return error;
	return copy_header(wsi, WSI_TOKEN_UPGRADE, name, sizeof(name)) && strcasecmp(name, "websocket") == 0 ? NULL : &unknown;
}

/* Returns whether the key is that of 16 bytes in base64. */
static bool
has_key(struct lws *wsi)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char key[32];

	return copy_header(wsi, WSI_TOKEN_KEY, key, sizeof(key)) && strspn(key, base64) == 22 && strcmp(key + 22, "==") == 0;
}

/* The bridge speaks no WebSocket but that of RFC 6455, and no subprotocol but its own, which need not be asked for. */
const HttpError *
http_form_check_websocket(struct lws *wsi)
{
	static const HttpHeader supported[] = {
		{ "upgrade:", "websocket" }, { "sec-websocket-version:", "13" }, { NULL, NULL }
	};
	static const HttpError version = { HTTP_STATUS_UPGRADE_REQUIRED, "3", "WebSocket version not supported", supported };
	static const HttpError subprotocol = { HTTP_STATUS_BAD_REQUEST, "3", "WebSocket subprotocol unknown", NULL };
	static const HttpError malformed = { HTTP_STATUS_BAD_REQUEST, "3", "WebSocket handshake malformed", NULL };
	char number[8];

	if (!copy_header(wsi, WSI_TOKEN_VERSION, number, sizeof(number)) || strcmp(number, "13") != 0)
		return &version;
	if (!has_key(wsi) || !is_http_1_1(wsi) || !http_form_has_word(wsi, WSI_TOKEN_CONNECTION, "upgrade"))
		return &malformed;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) == 0 || http_form_has_word(wsi, WSI_TOKEN_PROTOCOL, "herald"))
		return NULL;
	return &subprotocol;
}

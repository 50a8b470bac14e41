/*-------------------------------------------------------------------------
 *
 * http_form.c
 *	  Checks the form of HTTP requests and of upgrades to WebSockets.
 *
 * libwebsockets parses requests leniently: it ends a request's line at an encoded carriage return, and accepts
 * several hosts, any version or none, and any key of a WebSocket.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/http_form.h"

#include <string.h>
#include <strings.h>

#include "transport/tls.h"

#define HTTP_STATUS_UPGRADE_REQUIRED 426 /* RFC 9110, 15.5.22 */

/* Blanks before a colon that are looked for. */
#define MOST_BLANKS 4

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

/* Returns whether there is a header with this name and so many blanks or tabs, by the bits of "tabs", before its colon. */
static bool
has_name_with_blanks(struct lws *wsi, const char *name, size_t count, unsigned int tabs)
{
	char text[32 + MOST_BLANKS];
	size_t length = strlen(name);

	memcpy(text, name, length);
	for (size_t i = 0; i < count; i++)
		text[length++] = tabs >> i & 1 ? '\t' : ' ';
	text[length++] = ':';
	return lws_hdr_custom_length(wsi, text, (int) length) >= 0;
}

/*
 * Returns whether a header that says where the body ends has blanks before its colon, which RFC 9112, 5.1 forbids.  A
 * proxy may obey it, and libwebsockets takes it for an unknown one.
 */
static bool
has_blank_before_colon(struct lws *wsi)
{
	static const char *const names[] = { "transfer-encoding", "content-length" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
	{
		for (size_t count = 1; count <= MOST_BLANKS; count++)
		{
			for (unsigned int tabs = 0; tabs < 1U << count; tabs++)
			{
				if (has_name_with_blanks(wsi, names[i], count, tabs))
					return true;
			}
		}
	}
	return false;
}

const HttpError *
http_form_check(struct lws *wsi)
{
	static const HttpError tls = { HTTP_STATUS_BAD_REQUEST, "\"tls_required\"", "This port speaks TLS: use https or wss", NULL };
	static const HttpError version_unknown = { HTTP_STATUS_HTTP_VERSION_NOT_SUPPORTED, "3", "HTTP version not supported", NULL };
	static const HttpError too_long = { HTTP_STATUS_REQ_URI_TOO_LONG, "3", "Path too long", NULL };
	char version[16];
	char *path;
	int length;

	if (tls_is_missing(wsi))
		return &tls;
	if (!copy_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version)) || strncmp(version, "HTTP/1.", 7) != 0)
		return &version_unknown;
	if (lws_http_get_uri_and_method(wsi, &path, &length) < 0 || !has_one_host(wsi) || has_blank_before_colon(wsi))
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

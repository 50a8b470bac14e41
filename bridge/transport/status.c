/*-------------------------------------------------------------------------
 *
 * status.c
 *	  Answers plain HTTP requests: health, metrics, files, and refusals.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/status.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "gateway/gateway.h"
#include "transport/request.h"

#define LARGEST_ANSWER 32768

/* Sends a whole answer. */
static int
send_answer(struct lws *wsi, unsigned int status, const char *type, const char *body, size_t length)
{
	unsigned char *buffer = memory_new(LWS_PRE + LARGEST_ANSWER);
	unsigned char *start = buffer + LWS_PRE;
	unsigned char *at = start;
	unsigned char *end = start + LARGEST_ANSWER;
	bool sent = !lws_add_http_common_headers(wsi, status, type, (lws_filepos_t) length, &at, end) &&
				!lws_finalize_write_http_header(wsi, start, &at, end) && length <= LARGEST_ANSWER;

	if (sent && length > 0)
	{
		memcpy(start, body, length);
		sent = lws_write(wsi, start, length, LWS_WRITE_HTTP_FINAL) >= 0;
	}
	free(buffer);
	return sent && !lws_http_transaction_completed(wsi) ? 0 : -1;
}

static int
send_text(struct lws *wsi, unsigned int status, const char *type, const char *text)
{
	return send_answer(wsi, status, type, text, strlen(text));
}

static int
send_metrics(struct lws *wsi)
{
	size_t length;
	char *text = metrics_text(&length);
	int result = send_answer(wsi, HTTP_STATUS_OK, "text/plain; version=0.0.4; charset=utf-8", text, length);

	free(text);
	return result;
}

static int
send_readiness(struct lws *wsi)
{
	const char *complaint = gateway_complaint();

	return send_text(wsi, complaint ? HTTP_STATUS_SERVICE_UNAVAILABLE : HTTP_STATUS_OK, "text/plain; charset=utf-8",
					 complaint ? complaint : "ready\n");
}

/* Engine.IO's refusal, which its clients expect as JSON. */
static int
refuse_engine(struct lws *wsi)
{
	char *transport = request_argument(wsi, "transport");
	bool websocket = transport != NULL && strcmp(transport, "websocket") == 0;

	free(transport);
	return send_text(wsi, HTTP_STATUS_BAD_REQUEST, "application/json",
					 websocket ? "{\"code\":3,\"message\":\"Bad request\"}" : "{\"code\":0,\"message\":\"Transport unknown\"}");
}

static const char *
type_of(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".mjs", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".ico", "image/x-icon" },
		{ ".woff2", "font/woff2" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(*types); i++)
	{
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	}
	return "application/octet-stream";
}

/* A file of the folder that is served; a path that leads out of it is not found. */
static int
send_file(struct lws *wsi, const char *folder, const char *path)
{
	char *file = memory_format("%s%s%s", folder, path, path[strlen(path) - 1] == '/' ? "index.html" : "");
	char *real = folder[0] && strstr(path, "..") == NULL ? realpath(file, NULL) : NULL;
	char *real_folder = realpath(folder, NULL);
	size_t length = real_folder ? strlen(real_folder) : 0;
	int result = -1;

	if (real == NULL || real_folder == NULL || strncmp(real, real_folder, length) != 0 || real[length] != '/')
		result = send_text(wsi, HTTP_STATUS_NOT_FOUND, "text/plain; charset=utf-8", "Not found\n");
	else
	{
		int served = lws_serve_http_file(wsi, real, type_of(real), "cache-control: no-cache\r\n", 25);

		result = served < 0 || (served > 0 && lws_http_transaction_completed(wsi)) ? -1 : 0;
	}
	free(file);
	free(real);
	free(real_folder);
	return result;
}

int
status_answer(struct lws *wsi, const char *folder)
{
	char path[1024];

	if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) <= 0)
	{
		send_text(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", "Only GET is served here\n");
		return -1;
	}
	if (strcmp(path, "/healthz") == 0)
		return send_text(wsi, HTTP_STATUS_OK, "text/plain; charset=utf-8", "ok\n");
	if (strcmp(path, "/readyz") == 0)
		return send_readiness(wsi);
	if (strcmp(path, "/metrics") == 0)
		return send_metrics(wsi);
	if (request_is_socketio(path))
		return refuse_engine(wsi);
	return send_file(wsi, folder, path);
}

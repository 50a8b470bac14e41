/*-------------------------------------------------------------------------
 *
 * status.c
 *	  Answers plain HTTP requests: health, readiness, metrics, and files of the www folder.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/status.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "gateway/gateway.h"
#include "transport/http_response.h"

static int
send_metrics(struct lws *wsi)
{
	char *text = metrics_text();
	int result = http_response_text(wsi, HTTP_STATUS_OK, "text/plain; version=0.0.4; charset=utf-8", text);

	free(text);
	return result;
}

static int
send_readiness(struct lws *wsi)
{
	bool ready;
	char *state = gateway_state(&ready);
	char *text = memory_format("%s\n", state);
	int result = http_response_text(wsi, ready ? HTTP_STATUS_OK : HTTP_STATUS_SERVICE_UNAVAILABLE, TEXT_TYPE, text);

	free(state);
	free(text);
	return result;
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

	assert(path[0] == '/');
	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(*types); i++)
	{
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	}
	return "application/octet-stream";
}

/* Sends a file of the folder; a path that leads out of it gets 404. */
static int
send_file(struct lws *wsi, const char *folder, const char *path)
{
	char *file = memory_format("%s%s%s", folder, path, path[strlen(path) - 1] == '/' ? "index.html" : "");
	char *real = folder[0] && strstr(path, "..") == NULL ? realpath(file, NULL) : NULL;
	char *real_folder = realpath(folder, NULL);
	size_t length = real_folder ? strlen(real_folder) : 0;
	int result = -1;

	if (real == NULL || real_folder == NULL || strncmp(real, real_folder, length) != 0 || real[length] != '/')
		result = http_response_text(wsi, HTTP_STATUS_NOT_FOUND, TEXT_TYPE, "Not found\n");
	else
	{
		static const char headers[] = "cache-control: no-cache\r\nconnection: close\r\n";

		result = lws_serve_http_file(wsi, real, type_of(real), headers, sizeof(headers) - 1) == 0 ? 0 : -1;
	}
	free(file);
	free(real);
	free(real_folder);
	return result;
}

int
status_answer(struct lws *wsi, int method, const char *path, const char *folder)
{
	if (method != LWSHUMETH_GET)
		return http_response_text(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, TEXT_TYPE, "Only GET is served here\n");
	if (strcmp(path, "/healthz") == 0)
		return http_response_text(wsi, HTTP_STATUS_OK, TEXT_TYPE, "ok\n");
	if (strcmp(path, "/readyz") == 0)
		return send_readiness(wsi);
	if (strcmp(path, "/metrics") == 0)
		return send_metrics(wsi);
	return send_file(wsi, folder, path);
}

/*-------------------------------------------------------------------------
 *
 * status.c
 *	  Answers requests about the bridge itself: health, readiness, metrics and a page with all of them.
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
#include "transport/client_socket.h"
#include "transport/http_response.h"

/* Returns whether the request may see more than any client: it comes in by admin-listen, or there is none. */
static bool
sees_details(struct lws *wsi)
{
	return (client_socket_is_admin(wsi) || http_request_config(wsi)->admin_listen[0] == '\0') &&
		   http_request_host_is_allowed(wsi, false, false);
}

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
	char *text = memory_format("%s\n", sees_details(wsi) ? state : ready ? "ready" :
																		   "not ready");
	int result = http_response_text(wsi, ready ? HTTP_STATUS_OK : HTTP_STATUS_SERVICE_UNAVAILABLE, TEXT_TYPE, text);

	free(state);
	free(text);
	return result;
}

/* Neither the state nor the metrics contain characters of HTML: both are texts of the bridge and of libpq's states. */
static int
send_page(struct lws *wsi)
{
	bool ready;
	char *state = gateway_state(&ready);
	char *counts = metrics_text();
	char *page = memory_format("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>herald-bridge</title>\n"
							   "<h1>herald-bridge " HERALD_VERSION "</h1>\n<p>%s</p>\n<pre>%s</pre>\n",
							   state, counts);
	int result = http_response_text(wsi, HTTP_STATUS_OK, "text/html; charset=utf-8", page);

	free(state);
	free(counts);
	free(page);
	return result;
}

static int
send_health(struct lws *wsi)
{
	return http_response_text(wsi, HTTP_STATUS_OK, TEXT_TYPE, "ok\n");
}

typedef struct StatusPath
{
	const char *path;
	int (*send)(struct lws *wsi);
	bool only_with_details;
} StatusPath;

static const StatusPath status_paths[] = {
	{ "/healthz", send_health, false },
	{ "/readyz", send_readiness, false },
	{ "/metrics", send_metrics, true },
	{ "/status", send_page, true },
};

static const StatusPath *
find_status_path(struct lws *wsi, const char *path)
{
	for (size_t i = 0; i < sizeof(status_paths) / sizeof(*status_paths); i++)
	{
		if (strcmp(status_paths[i].path, path) == 0 && (!status_paths[i].only_with_details || sees_details(wsi)))
			return &status_paths[i];
	}
	return NULL;
}

bool
status_is_path(struct lws *wsi, const char *path)
{
	return find_status_path(wsi, path) != NULL;
}

int
status_answer(struct lws *wsi, int method, const char *path)
{
	const StatusPath *found = find_status_path(wsi, path);

	if (method != LWSHUMETH_GET && method != LWSHUMETH_HEAD)
		return http_response_method_not_allowed(wsi);
	return found ? found->send(wsi) : http_response_text(wsi, HTTP_STATUS_NOT_FOUND, TEXT_TYPE, "Not found\n");
}

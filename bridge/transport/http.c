/*-------------------------------------------------------------------------
 *
 * http.c
 *	  Dispatches HTTP requests from libwebsockets' callbacks to polling, sse and status.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/http.h"

#include <string.h>

#include "transport/http_response.h"
#include "transport/polling.h"
#include "transport/http_request.h"
#include "transport/idle_sockets.h"
#include "transport/sse.h"
#include "transport/status.h"

/* The per-session data of a request: libwebsockets allocates and frees it. */
typedef struct HttpService
{
	Exchange exchange; /* of polling */
	LwsStream stream;  /* of Server-Sent Events */
} HttpService;

size_t
http_size(void)
{
	return sizeof(HttpService);
}

static int
serve_request(struct lws *wsi, HttpService *service)
{
	char path[1024] = "";
	int method = http_request_method(wsi, path, sizeof(path));
	bool polls = http_request_is_socketio(path);
	bool streams = strcmp(path, "/events") == 0;

	if (!idle_sockets_busy(wsi))
		return -1;
	if ((polls || streams) && method == LWSHUMETH_OPTIONS && http_request_origin_is_allowed(wsi))
		return http_response_preflight(wsi);
	if (streams && method == LWSHUMETH_OPTIONS)
		http_request_log_origin(wsi);
	if (polls)
		return polling_begin(&service->exchange, wsi);
	if (streams && method == LWSHUMETH_GET)
		return sse_begin(&service->stream, wsi);
	return status_answer(wsi, method, path, http_request_config(wsi)->www);
}

static void
drop_request(HttpService *service)
{
	if (service == NULL)
		return;
	polling_drop(&service->exchange);
	lws_stream_closed(&service->stream);
}

int
http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
	HttpService *service = user;

	switch (reason)
	{
		/* Called here only for a request behind one that has not been answered yet. */
		case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
			return -1;
		case LWS_CALLBACK_HTTP:
			return serve_request(wsi, service);
		case LWS_CALLBACK_HTTP_BODY:
			return polling_body(&service->exchange, in, length);
		case LWS_CALLBACK_HTTP_BODY_COMPLETION:
			return polling_complete(&service->exchange);
		case LWS_CALLBACK_HTTP_WRITEABLE:
			return service->stream.open ? sse_writable(&service->stream) : polling_answer(&service->exchange);
		case LWS_CALLBACK_HTTP_FILE_COMPLETION:
			return -1;
		case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		case LWS_CALLBACK_CLOSED_HTTP:
			drop_request(service);
			return 0;
		default:
			return 0;
	}
}

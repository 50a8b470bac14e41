/*-------------------------------------------------------------------------
 *
 * http.c
 *	  Dispatches HTTP requests from libwebsockets' callbacks to polling, action_request, sse, static_file and status.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/http.h"

#include <string.h>

#include "transport/action_request.h"
#include "transport/http_form.h"
#include "transport/http_response.h"
#include "transport/polling.h"
#include "transport/http_request.h"
#include "transport/client_socket.h"
#include "transport/sse.h"
#include "transport/static_file.h"
#include "transport/status.h"

/* The per-session data of a request: libwebsockets allocates and frees it. */
typedef struct HttpService
{
	Exchange exchange; /* of polling */
	ActionRequest action;
	EventStream events;
	FileTransfer file; /* of the folder "www", or of the client library */
} HttpService;

size_t
http_size(void)
{
	return sizeof(HttpService);
}

static int
serve_client(struct lws *wsi, HttpService *service, int method, const char *path)
{
	bool polls = http_request_is_socketio(path);
	bool streams = strcmp(path, "/events") == 0;
	bool acts = action_request_is_path(path);

	if ((polls || streams || acts) && method == LWSHUMETH_OPTIONS && http_request_origin_is_allowed(wsi))
		return http_response_preflight(wsi);
	if (streams && method == LWSHUMETH_OPTIONS)
		http_request_log_origin(wsi);
	if (acts)
		return action_request_begin(&service->action, wsi, method, path);
	if (static_file_is_client(path) && (method == LWSHUMETH_GET || method == LWSHUMETH_HEAD))
		return static_file_begin_client(&service->file, wsi, path);
	if (polls)
		return polling_begin(&service->exchange, wsi);
	if (streams && method == LWSHUMETH_GET)
		return sse_begin(&service->events, wsi);
	if (!status_is_path(wsi, path) && (method == LWSHUMETH_GET || method == LWSHUMETH_HEAD))
		return static_file_begin(&service->file, wsi, path);
	return status_answer(wsi, method, path);
}

/* A page whose name leads to the bridge (DNS rebinding) reads nothing but a word.  Load balancers probe by any name. */
static bool
may_read(struct lws *wsi, const char *path)
{
	bool connects = http_request_is_socketio(path) || strcmp(path, "/events") == 0 || action_request_is_path(path);

	return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 || http_request_host_is_allowed(wsi, connects, true);
}

static int
serve_request(struct lws *wsi, HttpService *service)
{
	char path[HTTP_FORM_MAX_PATH] = "";
	int method = http_request_method(wsi, path, sizeof(path));
	const HttpError *error = http_form_check(wsi);

	if (!client_socket_busy(wsi))
		return -1;
	*client_socket_request(wsi) = http_request_traits(wsi);
	if (!client_socket_is_admin(wsi))
		error = http_request_count(wsi, error);
	if (error == NULL && !may_read(wsi, path))
		error = &http_error_host;
	if (error != NULL && action_request_is_path(path))
		return action_request_refuse(wsi, error);
	if (error != NULL)
		return http_response_refuse(wsi, NULL, error);
	if (client_socket_is_admin(wsi))
		return status_answer(wsi, method, path);
	return serve_client(wsi, service, method, path);
}

static int
take_body(HttpService *service, const void *piece, size_t length)
{
	if (action_request_is_open(&service->action))
		return action_request_body(&service->action, piece, length);
	return polling_body(&service->exchange, piece, length);
}

static int
complete_body(HttpService *service, struct lws *wsi)
{
	client_socket_request(wsi)->has_body = false;
	if (action_request_is_open(&service->action))
		return action_request_complete(&service->action);
	return polling_complete(&service->exchange);
}

static void
drop_request(HttpService *service)
{
	if (service == NULL)
		return;
	polling_drop(&service->exchange);
	action_request_drop(&service->action);
	sse_end(&service->events);
	static_file_drop(&service->file);
}

static int
continue_response(HttpService *service, struct lws *wsi)
{
	if (action_request_is_open(&service->action))
		return action_request_writable(&service->action);
	if (service->events.stream.open)
		return sse_writable(&service->events);
	return service->file.path ? static_file_continue(&service->file, wsi) : polling_answer(&service->exchange);
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
			return take_body(service, in, length);
		case LWS_CALLBACK_HTTP_BODY_COMPLETION:
			return complete_body(service, wsi);
		case LWS_CALLBACK_HTTP_WRITEABLE:
			return continue_response(service, wsi);
		case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		case LWS_CALLBACK_CLOSED_HTTP:
			drop_request(service);
			return 0;
		default:
			return 0;
	}
}

/*-------------------------------------------------------------------------
 *
 * http.c
 *	  HTTP requests: from libwebsockets' callbacks to who answers them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/http.h"

#include "transport/polling.h"
#include "transport/request.h"
#include "transport/status.h"

static const Config *config;

void
http_configure(const Config *settings)
{
	config = settings;
	polling_configure(settings);
}

static int
serve(struct lws *wsi, Exchange *exchange)
{
	char path[1024] = "";
	int method = request_method(wsi, path, sizeof(path));

	return request_is_socketio(path) ? polling_begin(exchange, wsi) : status_answer(wsi, method, path, config->www);
}

int
http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
	Exchange *exchange = user;

	switch (reason)
	{
		/* These come here only for a request behind one that has not been answered yet. */
		case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		case LWS_CALLBACK_FILTER_HTTP_CONNECTION:
			return -1;
		case LWS_CALLBACK_HTTP:
			return serve(wsi, exchange);
		case LWS_CALLBACK_HTTP_BODY:
			return polling_body(exchange, in, length);
		case LWS_CALLBACK_HTTP_BODY_COMPLETION:
			return polling_complete(exchange);
		case LWS_CALLBACK_HTTP_WRITEABLE:
			return polling_answer(exchange);
		case LWS_CALLBACK_HTTP_FILE_COMPLETION:
			return -1;
		case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		case LWS_CALLBACK_CLOSED_HTTP:
			if (exchange != NULL)
				polling_drop(exchange);
			return 0;
		default:
			return 0;
	}
}

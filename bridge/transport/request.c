/*-------------------------------------------------------------------------
 *
 * request.c
 *	  What a client says when it comes, before it is connected.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"

static bool
read_header(struct lws *wsi, enum lws_token_indexes token, char *value, size_t size)
{
	return lws_hdr_copy(wsi, value, (int) size, token) > 0;
}

/* lws_get_urlarg_by_name() finds prefixes, so the name goes with its "=". */
char *
request_argument(struct lws *wsi, const char *name)
{
	char *value = memory_new(REQUEST_LONGEST_VALUE);
	char *prefix = memory_format("%s=", name);
	const char *found = lws_get_urlarg_by_name(wsi, prefix, value, REQUEST_LONGEST_VALUE);
	char *copy = found ? memory_copy(found) : NULL;

	free(prefix);
	free(value);
	return copy;
}

static bool
argument_is(struct lws *wsi, const char *name, const char *wanted)
{
	char *value = request_argument(wsi, name);
	bool is = value != NULL && strcmp(value, wanted) == 0;

	free(value);
	return is;
}

bool
request_is_socketio(const char *path)
{
	return strcmp(path, "/socket.io") == 0 || strncmp(path, "/socket.io/", 11) == 0;
}

bool
request_origin_is_allowed(struct lws *wsi, const Config *config)
{
	char origin[512];
	char host[256];
	const char *at = config->allow_origin;
	const char *authority;
	size_t length;

	if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
		return true;
	if (!read_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)))
		return false;
	while (*at != '\0')
	{
		length = strcspn(at, " ");
		if ((length == 1 && *at == '*') || (strlen(origin) == length && strncmp(at, origin, length) == 0))
			return true;
		at += length + strspn(at + length, " ");
	}
	authority = strstr(origin, "://");
	return config->allow_origin[0] == '\0' && authority != NULL &&
		   read_header(wsi, WSI_TOKEN_HOST, host, sizeof(host)) &&
		   strcasecmp(authority + 3, host) == 0;
}

static int
refuse(struct lws *wsi, unsigned int status, const char *why)
{
	metrics.connections_refused++;
	log_debug("refused", "reason", why);
	return lws_return_http_status(wsi, status, why) < 0 ? -1 : 1;
}

/* The checks of Engine.IO, in the order of its reference server. */
static const char *
engine_complaint(struct lws *wsi)
{
	char *sid;

	if (!argument_is(wsi, "transport", "websocket"))
		return "Transport unknown";
	sid = request_argument(wsi, "sid");
	free(sid);
	if (sid != NULL)
		return "Session ID unknown";
	return argument_is(wsi, "EIO", "4") ? NULL : "Unsupported protocol version";
}

int
request_check_upgrade(struct lws *wsi, const Config *config)
{
	char upgrade[32];
	char path[64];
	bool socketio;

	/* Anything but "websocket" leads the library, on a connection that was used before, to freed memory. */
	if (!read_header(wsi, WSI_TOKEN_UPGRADE, upgrade, sizeof(upgrade)) || strcasecmp(upgrade, "websocket") != 0)
		return -1;
	if (!read_header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path)))
		return refuse(wsi, HTTP_STATUS_NOT_FOUND, "Not found");
	socketio = request_is_socketio(path);
	if (!socketio && strcmp(path, "/ws") != 0)
		return refuse(wsi, HTTP_STATUS_NOT_FOUND, "Not found");
	if (metrics.connections >= config->max_connections)
		return refuse(wsi, HTTP_STATUS_SERVICE_UNAVAILABLE, "Too many connections");
	if (!request_origin_is_allowed(wsi, config))
		return refuse(wsi, HTTP_STATUS_FORBIDDEN, "Origin not allowed");
	if (socketio && engine_complaint(wsi) != NULL)
		return refuse(wsi, HTTP_STATUS_BAD_REQUEST, engine_complaint(wsi));
	return 0;
}

static char *
bearer_token(struct lws *wsi)
{
	char *value = memory_new(REQUEST_LONGEST_VALUE);
	char *token = NULL;

	if (read_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, REQUEST_LONGEST_VALUE) && strncasecmp(value, "Bearer ", 7) == 0)
		token = memory_copy(value + 7);
	free(value);
	return token;
}

/* A browser's EventSource shows the header when it comes back by itself: it is newer than the URL. */
static char *
position(struct lws *wsi)
{
	static const char header[] = "last-event-id:";
	char *value = memory_new(REQUEST_LONGEST_VALUE);
	char *found = NULL;

	if (lws_hdr_custom_copy(wsi, value, REQUEST_LONGEST_VALUE, header, sizeof(header) - 1) > 0)
		found = memory_copy(value);
	free(value);
	if (found == NULL)
		found = request_argument(wsi, "position");
	return found ? found : request_argument(wsi, "lastEventId");
}

/* All arguments "room" of the URL; one that is no UTF-8 becomes an empty name, which is refused as such. */
static json_t *
rooms(struct lws *wsi)
{
	static const char name[] = "room=";
	char *value = memory_new(REQUEST_LONGEST_VALUE);
	json_t *array = json_array();

	for (int i = 0; lws_hdr_copy_fragment(wsi, value, REQUEST_LONGEST_VALUE, WSI_TOKEN_HTTP_URI_ARGS, i) >= 0; i++)
	{
		const char *room = value + sizeof(name) - 1;

		if (strncmp(value, name, sizeof(name) - 1) == 0 && json_array_append_new(array, json_string(room)) != 0)
			json_array_append_new(array, json_string(""));
	}
	free(value);
	return array;
}

bool
request_read(Request *request, struct lws *wsi)
{
	char path[64];

	if (!read_header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path)))
		return false;
	request_forget(request);
	request->socketio = request_is_socketio(path);
	request->token = bearer_token(wsi);
	if (request->token == NULL)
		request->token = request_argument(wsi, "token");
	request->position = position(wsi);
	request->dialect = request_argument(wsi, "dialect");
	request->rooms = rooms(wsi);
	return true;
}

Handshake
request_handshake(const Request *request)
{
	return (Handshake){ request->token, request->position, request->dialect, request->rooms };
}

void
request_forget(Request *request)
{
	free(request->token);
	free(request->position);
	free(request->dialect);
	json_decref(request->rooms);
	*request = (Request){ 0 };
}

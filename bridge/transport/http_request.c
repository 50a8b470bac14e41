/*-------------------------------------------------------------------------
 *
 * http_request.c
 *	  Reads and checks HTTP requests and upgrade requests.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/http_request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/origin.h"
#include "gateway/limits.h"
#include "protocol/engineio.h"
#include "protocol/old_client.h"
#include "transport/client_address.h"
#include "transport/http_cookie.h"
#include "transport/http_form.h"

const Config *
http_request_config(struct lws *wsi)
{
	const Config *config = lws_context_user(lws_get_context(wsi));

	assert(config != NULL);
	return config;
}

static bool
read_header(struct lws *wsi, enum lws_token_indexes token, char *value, size_t size)
{
	return lws_hdr_copy(wsi, value, (int) size, token) > 0;
}

/* lws_get_urlarg_by_name() matches a prefix of an argument, so the prefix includes the "=". */
char *
http_request_argument(struct lws *wsi, const char *name)
{
	char *value = memory_new(HTTP_REQUEST_MAX_VALUE);
	char *prefix = memory_format("%s=", name);
	const char *found = lws_get_urlarg_by_name(wsi, prefix, value, HTTP_REQUEST_MAX_VALUE);
	char *copy = found ? memory_copy(found) : NULL;

	free(prefix);
	free(value);
	return copy;
}

bool
http_request_is_socketio(const char *path)
{
	return strcmp(path, "/socket.io") == 0 || strncmp(path, "/socket.io/", 11) == 0;
}

int
http_request_method(struct lws *wsi, char *path, size_t size)
{
	char *text;
	int length;
	int method = lws_http_get_uri_and_method(wsi, &text, &length);

	if (method < 0 || (size_t) length >= size)
		return -1;
	memcpy(path, text, (size_t) length);
	path[length] = '\0';
	return method;
}

bool
http_request_origin(struct lws *wsi, char origin[HTTP_REQUEST_MAX_ORIGIN])
{
	return read_header(wsi, WSI_TOKEN_ORIGIN, origin, HTTP_REQUEST_MAX_ORIGIN);
}

char *
http_request_copy_origin(struct lws *wsi)
{
	char origin[HTTP_REQUEST_MAX_ORIGIN];

	return http_request_origin(wsi, origin) ? memory_copy(origin) : NULL;
}

RequestTraits
http_request_traits(struct lws *wsi)
{
	char version[16] = "";
	bool has_length = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;

	read_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version));
	return (RequestTraits){
		.closes = strcmp(version, "HTTP/1.1") != 0 || http_form_has_word(wsi, WSI_TOKEN_CONNECTION, "close"),
		.has_body = client_socket_head(wsi)->place != HEAD_COMPLETE ||
					lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
					(has_length && http_request_body_length(wsi) != 0),
	};
}

/* Without a length libwebsockets would take all following bytes for the body. */
long
http_request_body_length(struct lws *wsi)
{
	char digits[16];
	bool is_get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
	bool is_options = lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI) > 0;

	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
		return -1;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
		return is_get || is_options ? 0 : -1;
	if (!read_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, digits, sizeof(digits)) ||
		(int) strspn(digits, "0123456789") != lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH))
		return -1;
	return atol(digits);
}

static bool
is_requested_host(struct lws *wsi, const char *origin)
{
	char host[256];
	const char *authority = strstr(origin, "://");

	return authority != NULL && read_header(wsi, WSI_TOKEN_HOST, host, sizeof(host)) &&
		   strcasecmp(authority + 3, host) == 0;
}

bool
http_request_origin_is_allowed(struct lws *wsi)
{
	char origin[HTTP_REQUEST_MAX_ORIGIN];
	const char *allowed = http_request_config(wsi)->allow_origin;

	if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
		return true;
	if (!http_request_origin(wsi, origin))
		return false;
	return allowed[0] == '\0' ? is_requested_host(wsi, origin) : origin_list_has(allowed, origin);
}

bool
http_request_host_is_allowed(struct lws *wsi, bool connects, bool logged)
{
	static LogLimit limit;
	const char *allowed = http_request_config(wsi)->allow_host;
	char host[256] = "";
	char peer[NETWORK_ADDRESS_TEXT];

	if (allowed[0] == '\0' || (read_header(wsi, WSI_TOKEN_HOST, host, sizeof(host)) && host_list_has(allowed, host)))
		return true;
	if (!connects && (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) == 0 || host_is_fixed(host)))
		return true;
	if (!logged)
		return false;
	client_address_write(wsi, peer);
	log_limited(&limit, LOG_LEVEL_WARNING, "host_refused", "host", host, "peer", peer, "hint",
				"Add the host to allow-host if clients reach the bridge by this name.");
	return false;
}

void
http_request_log_origin(struct lws *wsi)
{
	static LogLimit limit;
	char origin[HTTP_REQUEST_MAX_ORIGIN];
	char peer[NETWORK_ADDRESS_TEXT];

	client_address_write(wsi, peer);
	log_limited(&limit, LOG_LEVEL_WARNING, "origin_refused", "origin", http_request_origin(wsi, origin) ? origin : "too long",
				"peer", peer, "reason", "the origin is not allowed", "hint",
				"Add the origin to allow-origin if its pages may connect.");
}

#define HTTP_STATUS_MISDIRECTED 421 /* RFC 9110, 15.5.20 */
#define HTTP_STATUS_TOO_MANY 429	/* RFC 6585, 4 */

static const HttpError http_error_transport = { HTTP_STATUS_BAD_REQUEST, "0", "Transport unknown", NULL };
static const HttpError http_error_session = { HTTP_STATUS_BAD_REQUEST, "1", "Session ID unknown", NULL };
static const HttpError http_error_method = { HTTP_STATUS_BAD_REQUEST, "2", "Bad handshake method", NULL };
static const HttpError http_error_origin = { HTTP_STATUS_FORBIDDEN, "4", "Forbidden", NULL };
static const HttpError http_error_version = { HTTP_STATUS_BAD_REQUEST, "5", OLD_CLIENT_MESSAGE, NULL };
const HttpError http_error_old_client = { HTTP_STATUS_BAD_REQUEST, "5", OLD_CLIENT_MESSAGE, NULL };
static const HttpError http_error_busy = { HTTP_STATUS_SERVICE_UNAVAILABLE, "4", "Too many connections", NULL };
const HttpError http_error_host = { HTTP_STATUS_MISDIRECTED, "\"wrong_host\"", "The bridge does not serve this host", NULL };

/* The arguments of an Engine.IO request's URL. */
typedef struct EngineQuery
{
	bool polling;
	bool websocket;
	bool version_is_4;
	bool version_is_3;
	bool has_sid;
	const EngineIo *engine; /* the session of the sid; or NULL */
} EngineQuery;

static EngineQuery
read_query(struct lws *wsi)
{
	char *transport = http_request_argument(wsi, "transport");
	char *version = http_request_argument(wsi, "EIO");
	char *sid = http_request_argument(wsi, "sid");
	EngineQuery query = {
		.polling = transport != NULL && strcmp(transport, "polling") == 0,
		.websocket = transport != NULL && strcmp(transport, "websocket") == 0,
		.version_is_4 = version != NULL && strcmp(version, "4") == 0,
		.version_is_3 = version != NULL && strcmp(version, "3") == 0,
		.has_sid = sid != NULL,
		.engine = sid != NULL ? engineio_find(sid) : NULL,
	};

	free(transport);
	free(version);
	free(sid);
	return query;
}

static bool
fits_session(const EngineQuery *query)
{
	return query->polling && query->version_is_4 && query->engine != NULL && engineio_is_polling(query->engine);
}

/* Returns whether a request is a poll that is going to be served for a session. */
static bool
is_poll_of_session(struct lws *wsi)
{
	char path[64];
	EngineQuery query;
	int method = http_request_method(wsi, path, sizeof(path));
	bool upgrades = lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) > 0;

	if (upgrades || (method != LWSHUMETH_GET && method != LWSHUMETH_POST) || !http_request_is_socketio(path) ||
		!http_request_host_is_allowed(wsi, true, true) || !http_request_origin_is_allowed(wsi))
		return false;
	query = read_query(wsi);
	return fits_session(&query);
}

static const HttpError *
too_many_requests(int64_t wait)
{
	static char seconds[24];
	static const HttpHeader headers[] = { { "retry-after:", seconds }, { NULL, NULL } };
	static const HttpError error = { HTTP_STATUS_TOO_MANY, "\"too_many\"", "Too many requests without a session", headers };

	snprintf(seconds, sizeof(seconds), "%lld", (long long) (wait + 999) / 1000);
	return &error;
}

const HttpError *
http_request_count(struct lws *wsi, const HttpError *form)
{
	char address[NETWORK_ADDRESS_TEXT];
	LimitSubject subject = { .address = address };
	int64_t wait;

	if (form == NULL && is_poll_of_session(wsi))
		return NULL;
	client_address_write(wsi, address);
	wait = limits_take(LIMIT_SOCKETS, &subject);
	return wait > 0 ? too_many_requests(wait) : form;
}

/* The next two functions check in the order of Engine.IO's reference server. */

const HttpError *
http_request_check_poll(struct lws *wsi)
{
	EngineQuery query = read_query(wsi);
	bool is_get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
	bool is_post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;

	if (!http_request_origin_is_allowed(wsi))
	{
		http_request_log_origin(wsi);
		return &http_error_origin;
	}
	if (!query.polling && !query.websocket)
		return &http_error_transport;
	if (query.has_sid && query.engine == NULL)
		return &http_error_session;
	if (query.has_sid)
		return fits_session(&query) && (is_get || is_post) ? NULL : &http_error_bad_request;
	if (!is_get)
		return &http_error_method;
	if (query.websocket)
		return &http_error_bad_request;
	if (!query.version_is_4)
		return query.version_is_3 ? &http_error_old_client : &http_error_version;
	return connection_make_room(http_request_config(wsi)) ? NULL : &http_error_busy;
}

static const HttpError *
check_engine_upgrade(struct lws *wsi)
{
	EngineQuery query = read_query(wsi);

	if (!query.websocket)
		return &http_error_transport;
	if (query.has_sid && query.engine == NULL)
		return &http_error_session;
	if (query.has_sid && !query.version_is_4)
		return &http_error_bad_request;
	return query.version_is_4 || query.version_is_3 ? NULL : &http_error_version;
}

const HttpError *
http_request_check_upgrade(struct lws *wsi)
{
	static const HttpError not_found = { HTTP_STATUS_NOT_FOUND, "3", "Not found", NULL };
	static const HttpError whole_url = { HTTP_STATUS_BAD_REQUEST, "3", "The request must name a path, not a URL", NULL };
	char path[64];
	bool socketio;
	const HttpError *error = http_request_count(wsi, http_form_check_upgrade(wsi));

	if (error != NULL)
		return error;
	if (client_socket_is_admin(wsi) || !read_header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path)))
		return &not_found;
	if (path[0] != '/')
		return &whole_url;
	socketio = http_request_is_socketio(path);
	if (!socketio && strcmp(path, "/ws") != 0)
		return &not_found;
	if (!http_request_host_is_allowed(wsi, true, true))
		return &http_error_host;
	if (!http_request_origin_is_allowed(wsi))
	{
		http_request_log_origin(wsi);
		return &http_error_origin;
	}
	error = http_form_check_websocket(wsi);
	if (error == NULL && socketio)
		error = check_engine_upgrade(wsi);
	return error != NULL || connection_make_room(http_request_config(wsi)) ? error : &http_error_busy;
}

static char *
bearer_token(struct lws *wsi)
{
	char *value = memory_new(HTTP_REQUEST_MAX_VALUE);
	char *token = NULL;

	if (read_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, HTTP_REQUEST_MAX_VALUE) && strncasecmp(value, "Bearer ", 7) == 0)
		token = memory_copy(value + 7);
	free(value);
	return token;
}

/* A browser's EventSource sends Last-Event-ID when it reconnects; that is newer than the URL. */
static char *
read_position(struct lws *wsi)
{
	static const char header[] = "last-event-id:";
	char *value = memory_new(HTTP_REQUEST_MAX_VALUE);
	char *found = NULL;

	if (lws_hdr_custom_copy(wsi, value, HTTP_REQUEST_MAX_VALUE, header, sizeof(header) - 1) > 0)
		found = memory_copy(value);
	free(value);
	if (found == NULL)
		found = http_request_argument(wsi, "position");
	return found ? found : http_request_argument(wsi, "lastEventId");
}

/* Returns all arguments "room" of the URL.  One that is not UTF-8 becomes an empty name, which is refused later. */
static json_t *
read_rooms(struct lws *wsi)
{
	static const char name[] = "room=";
	char *value = memory_new(HTTP_REQUEST_MAX_VALUE);
	json_t *array = json_array();

	for (int i = 0; lws_hdr_copy_fragment(wsi, value, HTTP_REQUEST_MAX_VALUE, WSI_TOKEN_HTTP_URI_ARGS, i) >= 0; i++)
	{
		const char *room = value + sizeof(name) - 1;

		if (strncmp(value, name, sizeof(name) - 1) == 0 && json_array_append_new(array, json_string(room)) != 0)
			json_array_append_new(array, json_string(""));
	}
	free(value);
	return array;
}

bool
http_request_read(HttpRequest *request, struct lws *wsi)
{
	char path[HTTP_FORM_MAX_PATH];
	int method = http_request_method(wsi, path, sizeof(path));

	if (method != LWSHUMETH_GET && method != LWSHUMETH_POST)
		return false;
	http_request_reset(request);
	request->socketio = http_request_is_socketio(path);
	request->token = bearer_token(wsi);
	if (request->token == NULL)
		request->token = http_request_argument(wsi, "token");
	request->cookie = http_cookie_read(wsi, http_request_config(wsi)->session_cookie);
	request->key = http_request_argument(wsi, "sessionId");
	request->position = read_position(wsi);
	request->dialect = http_request_argument(wsi, "dialect");
	request->sid = http_request_argument(wsi, "sid");
	request->old_client = request->socketio && read_query(wsi).version_is_3;
	request->rooms = read_rooms(wsi);
	request->origin = http_request_copy_origin(wsi);
	client_address_write(wsi, request->peer);
	return true;
}

Handshake
http_request_handshake(const HttpRequest *request)
{
	return (Handshake){
		.token = request->token,
		.cookie = request->cookie,
		.key = request->key,
		.position = request->position,
		.dialect = request->dialect,
		.sid = request->sid,
		.origin = request->origin,
		.peer = request->peer,
		.rooms = request->rooms,
	};
}

void
http_request_reset(HttpRequest *request)
{
	free(request->token);
	free(request->cookie);
	free(request->key);
	free(request->position);
	free(request->dialect);
	free(request->sid);
	free(request->origin);
	json_decref(request->rooms);
	*request = (HttpRequest){ 0 };
}

/*-------------------------------------------------------------------------
 *
 * action_request.c
 *	  Serves POST /actions/NAME: one action by one request.
 *
 * 1. The request is checked by its headers: the origin, the method, the type and the length of its body.
 * 2. So is its token or cookie (gateway/lone_action.h).  Until then there is no memory for the body: while the database
 *	  checks a cookie, the bridge keeps no more of it than the piece that has come with the headers, and reads no more.
 * 3. When the body is complete and the connection is writable, the action is submitted.  The headers are freed, as
 *	  those of a poll: they take more memory than the request.
 * 4. The response is sent when there is an answer and the connection is writable, in a later turn of the loop.  If the
 *	  headers are enough to refuse a client, it gets it at once, and the rest of its request is discarded.
 *
 * A page of another origin cannot use a cookie: a form cannot send this type of a body, and a script must ask for
 * permission first (Fetch Standard, "CORS-preflight request"), which only allowed origins get.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "transport/action_request.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/budget.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "base/utf8.h"
#include "transport/http_response.h"

#define PREFIX "/actions/"

/* Time for the body when its cookie has been checked; as libwebsockets gives it otherwise. */
#define BODY_TIMEOUT_S 10

#define HTTP_STATUS_TOO_MANY_REQUESTS 429 /* RFC 6585, 4 */

static const HttpHeader retry_soon[] = { { "retry-after:", "1" }, { NULL, NULL } };

static struct
{
	long open;
	bool refuses; /* the bridge is about to end */
} action_requests;

/* The status for an error of an action: that of the first code that matches; one with a star is a beginning. */
typedef struct StatusOfCode
{
	const char *code;
	unsigned int status;
} StatusOfCode;

static const StatusOfCode error_statuses[] = {
	{ "token_*", HTTP_STATUS_UNAUTHORIZED },
	{ "too_many", HTTP_STATUS_TOO_MANY_REQUESTS },
	{ "busy", HTTP_STATUS_SERVICE_UNAVAILABLE },
	{ "unavailable", HTTP_STATUS_SERVICE_UNAVAILABLE },
	{ "bad_request", HTTP_STATUS_BAD_REQUEST },
	{ "needs_session", HTTP_STATUS_BAD_REQUEST },
	{ "HD404", HTTP_STATUS_NOT_FOUND },
	{ "42501", HTTP_STATUS_FORBIDDEN },			  /* insufficient_privilege */
	{ "57014", HTTP_STATUS_GATEWAY_TIMEOUT },	  /* query_canceled: action-timeout */
	{ "25006", HTTP_STATUS_SERVICE_UNAVAILABLE }, /* read_only_sql_transaction */
	{ "23505", HTTP_STATUS_CONFLICT },			  /* unique_violation */
	{ "22*", HTTP_STATUS_BAD_REQUEST },			  /* data exceptions */
	{ "23*", HTTP_STATUS_BAD_REQUEST },			  /* constraints */
	{ "P0*", HTTP_STATUS_BAD_REQUEST },			  /* raised by the function */
	{ "HD*", HTTP_STATUS_BAD_REQUEST },			  /* raised by the extension */
	{ "40*", HTTP_STATUS_SERVICE_UNAVAILABLE },	  /* deadlocks and serialization failures */
	{ "08*", HTTP_STATUS_SERVICE_UNAVAILABLE },	  /* connections */
	{ "53*", HTTP_STATUS_SERVICE_UNAVAILABLE },	  /* resources */
	{ "55*", HTTP_STATUS_SERVICE_UNAVAILABLE },	  /* states of objects, such as locks */
	{ "57*", HTTP_STATUS_SERVICE_UNAVAILABLE },	  /* interventions of an operator */
	{ "*", HTTP_STATUS_INTERNAL_SERVER_ERROR },
};

static unsigned int
status_of_code(const char *code)
{
	const StatusOfCode *entry = error_statuses;

	while (strncmp(entry->code, code, strcspn(entry->code, "*")) != 0)
		entry++;
	return entry->status;
}

bool
action_request_is_path(const char *path)
{
	return strncmp(path, PREFIX, sizeof(PREFIX) - 1) == 0;
}

bool
action_request_is_open(const ActionRequest *request)
{
	return request->wsi != NULL;
}

/* Frees a request's contents: it has been answered, or its client is gone. */
static void
close_request(ActionRequest *request)
{
	lone_action_give_up(&request->action);
	timer_stop(&request->hold);
	budget_give(request->reserved);
	free(request->body);
	free(request->name);
	free(request->answer);
	http_request_reset(&request->request);
	*request = (ActionRequest){ 0 };
	action_requests.open--;
}

/* Sends an answer whose status says how the action went, with the headers that belong to the status. */
static int
send_answer(struct lws *wsi, HttpResponse response, const char *body, const char *seconds)
{
	HttpHeader headers[] = {
		{ "x-content-type-options:", "nosniff" },
		{ seconds ? "retry-after:" : NULL, seconds },
		{ NULL, NULL },
		{ NULL, NULL },
	};
	int last = seconds ? 2 : 1;

	if (response.status == HTTP_STATUS_UNAUTHORIZED)
		headers[last] = (HttpHeader){ "www-authenticate:", "Bearer" };
	if (response.headers == NULL)
		response.headers = headers;
	response.type = JSON_TYPE;
	response.cross_origin = true;
	return http_response_send(wsi, &response, body, strlen(body));
}

int
action_request_refuse(struct lws *wsi, const HttpError *error)
{
	HttpResponse response = { .status = error->status, .headers = error->headers };
	char *message = json_quoted(error->message);
	char *body = memory_format("{\"ok\":false,\"error\":{\"code\":%s,\"message\":%s}}", error->code, message);
	int result;

	metrics.connections_refused++;
	log_debug("refused", "reason", error->message);
	result = send_answer(wsi, response, body, NULL);
	free(message);
	free(body);
	return result;
}

static bool
has_json(struct lws *wsi)
{
	char type[128];
	size_t length;

	if (lws_hdr_copy(wsi, type, sizeof(type), WSI_TOKEN_HTTP_CONTENT_TYPE) <= 0)
		return false;
	length = strcspn(type, "; \t");
	return length == strlen(JSON_TYPE) && strncasecmp(type, JSON_TYPE, length) == 0;
}

static const HttpError *
check_body(struct lws *wsi)
{
	static const HttpError no_json = { HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE, "\"bad_request\"",
									   "the body must be JSON: send Content-Type: application/json", NULL };
	static const HttpError no_length = { HTTP_STATUS_LENGTH_REQUIRED, "\"bad_request\"", "the request needs a Content-Length", NULL };
	static const HttpError too_large = { HTTP_STATUS_REQ_ENTITY_TOO_LARGE, "\"bad_request\"", "the body is larger than max-payload", NULL };
	long length = http_request_body_length(wsi);

	if (!has_json(wsi))
		return &no_json;
	if (length < 0)
		return &no_length;
	return length > http_request_config(wsi)->max_payload ? &too_large : NULL;
}

static const HttpError *
check_action_request(struct lws *wsi, int method, const char *name)
{
	static const HttpError origin = { HTTP_STATUS_FORBIDDEN, "\"forbidden\"", "this origin is not allowed", NULL };
	static const HttpHeader allow[] = { { "allow:", "POST, OPTIONS" }, { NULL, NULL } };
	static const HttpError no_post = { HTTP_STATUS_METHOD_NOT_ALLOWED, "\"bad_request\"", "actions are asked for by POST", allow };
	static const HttpError unknown = { HTTP_STATUS_NOT_FOUND, "\"HD404\"", "unknown action", NULL };
	static const HttpError ends = { HTTP_STATUS_SERVICE_UNAVAILABLE, "\"busy\"", "the bridge ends; not done, try again", retry_soon };

	if (!http_request_origin_is_allowed(wsi))
	{
		http_request_log_origin(wsi);
		return &origin;
	}
	if (method != LWSHUMETH_POST)
		return &no_post;
	if (action_requests.refuses)
		return &ends;
	if (name[0] == '\0' || !utf8_is_valid(name, strlen(name)))
		return &unknown;
	return check_body(wsi);
}

/* Returns the whole seconds after which the client may try again; NULL: nothing says when.  The caller frees it. */
static char *
seconds_to_wait(const json_t *error, unsigned int status)
{
	json_int_t wait = json_integer_value(json_object_get(error, "retryAfter"));

	if (wait == 0 && status != HTTP_STATUS_SERVICE_UNAVAILABLE)
		return NULL;
	return memory_format("%lld", wait > 0 ? (long long) (wait + 999) / 1000 : 1LL);
}

/* Sends the answer, and frees the request's contents: libwebsockets frees its own data as the response is sent. */
static int
send_result(ActionRequest *request)
{
	ActionRequest answered = *request;
	HttpResponse response = { .keeps_connection = answered.complete,
							  .status = HTTP_STATUS_OK,
							  .origin = answered.request.origin };
	bool good = strncmp(answered.answer, "{\"ok\":true", 10) == 0;
	json_t *answer = good ? NULL : json_loads(answered.answer, 0, NULL);
	const json_t *error = json_object_get(answer, "error");
	const char *code = json_member(error, "code");
	char *seconds;
	int result;

	if (error != NULL)
		response.status = status_of_code(code ? code : "");
	seconds = seconds_to_wait(error, response.status);
	assert(request->action.question == NULL && request->action.session == NULL && !timer_is_running(&request->hold));
	*request = (ActionRequest){ 0 };
	result = send_answer(answered.wsi, response, answered.answer, seconds);
	close_request(&answered);
	free(seconds);
	json_decref(answer);
	return result;
}

/* Goes on with a request in a later turn.  libwebsockets calls no callback while it does not read. */
static void
resume_request(ActionRequest *request)
{
	if (request->held)
	{
		request->held = false;
		timer_stop(&request->hold);
		lws_rx_flow_control(request->wsi, 1);
		if (!request->complete)
			lws_set_timeout(request->wsi, PENDING_TIMEOUT_HTTP_CONTENT, BODY_TIMEOUT_S);
	}
	lws_callback_on_writable(request->wsi);
}

static void
on_action_answer(LoneAction *action, const char *body)
{
	ActionRequest *request = (ActionRequest *) action;

	assert(request->wsi != NULL && request->answer == NULL);
	request->answer = memory_format("{%s}", body);
	resume_request(request);
}

/* Makes the space for so many bytes of the body, and for as many more if they fit.  Returns false if there is none. */
static bool
reserve_body(ActionRequest *request, size_t bytes)
{
	size_t size = request->reserved * 2 > bytes ? request->reserved * 2 : bytes;

	if (size > request->announced)
		size = request->announced;
	if ((int64_t) (size - request->reserved) > budget_left())
		size = bytes;
	if ((int64_t) (size - request->reserved) > budget_left())
		return false;
	budget_take(size - request->reserved);
	request->reserved = size;
	request->body = memory_resize(request->body, size + 1);
	return true;
}

static void
refuse_busy(ActionRequest *request)
{
	lone_action_refuse(&request->action, "busy", "too much is waiting; not done, try again later");
}

static void
on_action_admitted(LoneAction *action)
{
	ActionRequest *request = (ActionRequest *) action;

	if ((int64_t) (request->announced - request->reserved) > budget_left())
	{
		refuse_busy(request);
		return;
	}
	request->admitted = true;
	resume_request(request);
}

static void
open_request(ActionRequest *request, struct lws *wsi, const char *name)
{
	HttpRequest *read = &request->request;

	http_request_read(read, wsi);
	request->wsi = wsi;
	request->name = memory_copy(name);
	request->announced = (size_t) http_request_body_length(wsi);
	request->action = (LoneAction){
		.name = request->name,
		.token = read->token,
		.cookie = read->cookie,
		.from = { .peer = read->peer, .origin = read->origin, .transport = "http" },
		.admitted = on_action_admitted,
		.answer = on_action_answer,
	};
	action_requests.open++;
	lone_action_begin(&request->action);
}

/* cookie_auth_ask() sets the time for its answer; libwebsockets has set one for the body by now. */
static void
hold_timeout(void *context)
{
	lws_set_timeout(((ActionRequest *) context)->wsi, NO_PENDING_TIMEOUT, 0);
}

/* Reads nothing until the cookie is checked. */
static void
hold_body(ActionRequest *request)
{
	request->held = true;
	lws_rx_flow_control(request->wsi, 0);
	timer_start(&request->hold, 0, hold_timeout, request);
}

int
action_request_begin(ActionRequest *request, struct lws *wsi, int method, const char *path)
{
	const char *name = path + sizeof(PREFIX) - 1;
	const HttpError *error = check_action_request(wsi, method, name);

	assert(request->wsi == NULL);
	if (error != NULL)
		return action_request_refuse(wsi, error);
	open_request(request, wsi, name);
	if (request->answer != NULL)
		return send_result(request);
	if (!request->admitted)
		hold_body(request);
	return request->announced > 0 ? 0 : action_request_complete(request);
}

int
action_request_body(ActionRequest *request, const void *piece, size_t length)
{
	if (request->answer != NULL)
		return 0;
	if (length > request->announced - request->length)
		return -1;
	if (request->length + length > request->reserved && !reserve_body(request, request->length + length))
	{
		refuse_busy(request);
		return 0;
	}
	if (length > 0)
		memcpy(request->body + request->length, piece, length);
	request->length += length;
	return 0;
}

/*
 * libwebsockets calls this again if bytes follow the body before the response: that is an error.  It may call this for
 * an empty body, which is complete from the beginning.
 */
int
action_request_complete(ActionRequest *request)
{
	if (request->complete)
		return request->announced > 0 ? -1 : 0;
	request->complete = request->answer == NULL;
	resume_request(request); /* also while the cookie is checked, to notice that the client goes */
	return 0;
}

static void
submit_request(ActionRequest *request)
{
	request->submitted = true;
	lws_http_headers_detach(request->wsi);
	lws_set_timeout(request->wsi, NO_PENDING_TIMEOUT, 0);
	lone_action_submit(&request->action, request->body, request->length);
}

int
action_request_writable(ActionRequest *request)
{
	if (request->answer != NULL)
		return send_result(request);
	if (!request->admitted)
		return 0;
	if (!request->complete && !request->continued)
	{
		request->continued = true;
		return http_response_continue(request->wsi) ? 0 : -1;
	}
	if (request->complete && !request->submitted)
		submit_request(request);
	return 0;
}

void
action_request_drop(ActionRequest *request)
{
	if (request->wsi != NULL)
		close_request(request);
}

void
action_request_refuse_all(void)
{
	action_requests.refuses = true;
}

long
action_request_count(void)
{
	return action_requests.open;
}

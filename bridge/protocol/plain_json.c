/*-------------------------------------------------------------------------
 *
 * plain_json.c
 *	  Builds the JSON objects that plain WebSockets and server-sent events share.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/plain_json.h"

#include <assert.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"

char *
plain_json_event(const Event *event, bool wants_acks)
{
	char *name = json_quoted(event->name);
	char *room = json_quoted(event->room_count > 0 ? event->rooms[0] : "");
	char *id = event->id ? json_quoted(event->id) : memory_copy("null");
	char *ack = wants_acks && event->ack ? memory_format(",\"ack\":%u", event_ack_id(event)) : memory_copy("");
	char *text = memory_format("{\"event\":%s,\"room\":%s,\"data\":%s,\"id\":%s,\"position\":\"%s\"%s}", name, room,
							   event->payload ? event->payload : "{}", id, event->position, ack);

	free(ack);
	free(name);
	free(room);
	free(id);
	return text;
}

char *
plain_json_welcome(const Session *session)
{
	char *user = json_quoted(session->user);
	char *position = json_quoted(session->cursor.position);
	char *text;

	assert(session->cursor.position != NULL);
	text = memory_format("{\"event\":\"welcome\",\"data\":{\"userId\":%s,\"sessionId\":\"%s\",\"recovered\":%s},\"position\":%s}",
						 user, session->key, session->cursor.recovered ? "true" : "false", position);

	free(user);
	free(position);
	return text;
}

char *
plain_json_unread(const Session *session)
{
	char *name = memory_format("user:%s", session->user);
	char *room = json_quoted(name);
	char *text = memory_format("{\"event\":\"notification:unread\",\"room\":%s,\"data\":{\"count\":%lld},\"id\":null}", room,
							   (long long) session->unread);

	free(name);
	free(room);
	return text;
}

char *
plain_json_error(const char *room, const char *code, const char *message, int64_t wait)
{
	char *error = json_error_to_retry(code, message, wait);
	char *about = room ? json_quoted(room) : NULL;
	char *text = memory_format("{\"event\":\"error\",%s%s%s\"data\":%s}", about ? "\"room\":" : "", about ? about : "", about ? "," : "", error);

	free(error);
	free(about);
	return text;
}

/*-------------------------------------------------------------------------
 *
 * name_space.c
 *	  The namespaces of Socket.IO: which events each gets, and what they look like there.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/name_space.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/json.h"
#include "protocol/packet.h"

static bool
begins_with(const Event *event, const char *const *prefixes)
{
	for (; *prefixes != NULL; prefixes++)
	{
		if (strncmp(event->name, *prefixes, strlen(*prefixes)) == 0)
			return true;
	}
	return false;
}

static bool
wants_everything(const Event *event)
{
	(void) event;
	return true;
}

static bool
wants_notifications(const Event *event)
{
	static const char *const prefixes[] = { "notification:", "user:followed", "user:unfollowed", NULL };

	return begins_with(event, prefixes);
}

static bool
wants_chat(const Event *event)
{
	static const char *const prefixes[] = { "message:", "conversation:", "typing:", "user:online", "user:offline", NULL };

	return begins_with(event, prefixes);
}

/* The position is the last argument: socket.io-client keeps it and shows it when it comes back. */
static Frame *
encode(const Format *format, const Event *event)
{
	char *start = packet_start(PACKET_EVENT, format->name_space);
	char *name = json_quoted(event->name);
	char *text = memory_format("%s[%s,%s,\"%s\"]", start, name, event->payload, event->position);

	Frame *frame = frame_new(FRAME_TEXT, text, strlen(text));

	free(start);
	free(name);
	free(text);
	return frame;
}

/* Place 0 among the frames of an event is the plain protocol's. */
const Format name_space_formats[NAME_SPACES] = {
	{ 1, "/", wants_everything, encode },
	{ 2, "/notifications", wants_notifications, encode },
	{ 3, "/chat", wants_chat, encode },
};

bool
name_space_shows_badge(const Format *format)
{
	return format->wants != wants_chat;
}

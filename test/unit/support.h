/*-------------------------------------------------------------------------
 *
 * support.h
 *	  Makes events, sessions and connections that collect frames, for the tests of fanout/.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TEST_SUPPORT_H
#define HERALD_TEST_SUPPORT_H

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/memory.h"
#include "fanout/event.h"
#include "fanout/outbox.h"
#include "fanout/room.h"
#include "fanout/roster.h"

static int support_encoded; /* frames that were built */

/* An event in the rooms of a text, separated by spaces. */
static inline Event *
support_event(const char *name, const char *rooms)
{
	Event *event = event_new();
	char *copy = memory_copy(rooms);
	char *rest = NULL;

	event->id = memory_copy("1");
	event->name = memory_copy(name);
	event->payload = memory_copy("{}");
	event->position = memory_copy("1");
	event->rooms = memory_new(sizeof(char *) * 8);
	for (char *room = strtok_r(copy, " ", &rest); room != NULL; room = strtok_r(NULL, " ", &rest))
		event->rooms[event->room_count++] = memory_copy(room);
	free(copy);
	return event;
}

/* A format whose frames are the event's name; events called "unwanted" are not wanted. */
static inline Frame *
support_encode(const Format *format, const Event *event)
{
	(void) format;
	if (strcmp(event->name, "unwanted") == 0)
		return NULL;
	support_encoded++;
	return frame_new(FRAME_TEXT, event->name, strlen(event->name));
}

static const Format support_format = { .slot = 2, .encode = support_encode };

/* A connection that collects flushed frames in "said", each with a space behind it. */
typedef struct Client
{
	Outbox outbox;
	Session *session;
	int flushes;
	int overflows;
	bool slow; /* takes nothing */
	char said[4096];
} Client;

static inline void
support_flush(Outbox *outbox)
{
	Client *client = (Client *) outbox;
	Frame *frame;
	uint32_t count = 0;

	client->flushes++;
	if (client->slow)
		return;
	while ((frame = outbox_peek(outbox, count)) != NULL)
	{
		count++;
		strncat(client->said, (char *) frame->bytes + 2, frame->length - 2);
		strcat(client->said, " ");
	}
	outbox_sent(outbox, count);
}

static inline void
support_fetch(const Outbox *outbox)
{
	(void) outbox;
}

static inline void
support_overflow(Outbox *outbox)
{
	((Client *) outbox)->overflows++;
}

static const OutboxOwner support_owner = { support_flush, support_fetch, support_overflow };

/* One turn of the loop, with its end. */
static inline void
support_turn(void)
{
	uv_run(loop_uv(), UV_RUN_NOWAIT);
}

static inline void
support_welcome(Session *session)
{
	(void) session;
}

static const SessionOps support_ops = { .welcome = support_welcome };

/* A session in this state, which has missed nothing yet: its position is "P" until it is live. */
static inline Client *
support_client(const char *user, const char *key, SessionState state)
{
	Client *client = memory_new(sizeof(Client));

	outbox_init(&client->outbox, &support_owner, 1000);
	client->session = roster_add(memory_copy(user), memory_copy(key), NULL, memory_copy("{}"));
	client->session->format = &support_format;
	client->session->ops = &support_ops;
	client->session->outbox = &client->outbox;
	if (state == SESSION_ARRIVING)
		return client;
	catchup_cursor_locate(&client->session->cursor, memory_copy("P"), seen_snapshots_new(0));
	room_move(client->session, AUDIENCE_CACHE_REPLAY);
	roster_welcome(client->session);
	if (state == SESSION_LIVE)
		roster_go_live(client->session);
	return client;
}

static inline void
support_end(Client *client)
{
	roster_leave(client->session);
	outbox_close(&client->outbox);
	free(client);
}

#endif /* HERALD_TEST_SUPPORT_H */

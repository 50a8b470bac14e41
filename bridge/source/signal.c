/*-------------------------------------------------------------------------
 *
 * signal.c
 *	  Parses the ephemeral events that herald.signal() sends.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/signal.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

/* Takes the names of the rooms; false unless there are some, and all are strings. */
static bool
take_signal_rooms(Event *event, const json_t *rooms)
{
	size_t i;
	json_t *room;

	event->rooms = memory_new(sizeof(char *) * json_array_size(rooms));
	json_array_foreach(rooms, i, room)
	{
		if (!json_is_string(room))
			return false;
		event->rooms[event->room_count++] = memory_copy(json_string_value(room));
	}
	return event->room_count > 0;
}

/* Takes the members of the payload; false when one is missing or of the wrong type. */
static bool
take_signal(Event *event, const json_t *signal)
{
	const json_t *payload = json_object_get(signal, "payload");

	event->name = memory_copy(json_member(signal, "event"));
	event->key = memory_copy(json_member(signal, "key"));
	event->except = memory_copy(json_member(signal, "except"));
	if (event->name == NULL || !json_is_object(payload) || !take_signal_rooms(event, json_object_get(signal, "rooms")))
		return false;
	event->payload = json_dumps(payload, JSON_COMPACT);
	return event->payload != NULL;
}

Event *
signal_read(const char *text, const char *position)
{
	json_t *signal = json_read(text);
	Event *event = event_new();

	event->ephemeral = true;
	event->position = memory_copy(position);
	if (!take_signal(event, signal))
	{
		log_warning("signal_malformed", "text", text);
		event_unref(event);
		event = NULL;
	}
	json_decref(signal);
	return event;
}

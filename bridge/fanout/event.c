/*-------------------------------------------------------------------------
 *
 * event.c
 *	  One event of the log, and what it looks like in each protocol.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/event.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

Event *
event_new(void)
{
	Event *event = memory_new(sizeof(Event));

	event->references = 1;
	return event;
}

Event *
event_hold(Event *event)
{
	assert(event->references > 0);
	event->references++;
	return event;
}

void
event_release(Event *event)
{
	assert(event->references > 0);
	if (--event->references > 0)
		return;
	for (int i = 0; i < EVENT_FORMATS; i++)
	{
		if (event->frames[i] != NULL)
			frame_release(event->frames[i]);
	}
	for (int i = 0; i < event->room_count; i++)
		free(event->rooms[i]);
	free(event->rooms);
	free(event->id);
	free(event->name);
	free(event->payload);
	free(event->position);
	free(event->member);
	free(event->joins);
	free(event->leaves);
	free(event);
}

Frame *
event_frame(Event *event, const Format *format)
{
	assert(format->place >= 0 && format->place < EVENT_FORMATS);
	if (event->frames[format->place] == NULL)
		event->frames[format->place] = format->encode(format, event);
	return event->frames[format->place];
}

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

/* Stands among the frames for that of a format which does not want the event. */
static Frame unwanted;

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
	for (int i = 0; i < event->frame_count; i++)
	{
		if (event->frames[i] != NULL && event->frames[i] != &unwanted)
			frame_release(event->frames[i]);
	}
	free(event->frames);
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

/* How many formats there are is told by those that ask. */
static void
make_place(Event *event, int place)
{
	if (place < event->frame_count)
		return;
	event->frames = memory_resize(event->frames, sizeof(Frame *) * (size_t) (place + 1));
	while (event->frame_count <= place)
		event->frames[event->frame_count++] = NULL;
}

Frame *
event_frame(Event *event, const Format *format)
{
	Frame **frame;

	make_place(event, format->place);
	frame = &event->frames[format->place];
	if (*frame == NULL)
		*frame = format->encode(format, event);
	if (*frame == NULL)
		*frame = &unwanted;
	return *frame == &unwanted ? NULL : *frame;
}

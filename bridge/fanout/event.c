/*-------------------------------------------------------------------------
 *
 * event.c
 *	  Represents one event, and caches its frame for each format.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Stands for the frame of a format that does not want the event. */
static Frame unwanted;

/* An allocation takes so many bytes beside those that are asked for. */
#define ALLOCATION 16

Event *
event_new(void)
{
	Event *event = memory_new(sizeof(Event));

	event->references = 1;
	return event;
}

Event *
event_of_position(const char *position)
{
	Event *event = event_new();

	assert(position != NULL);
	event->ephemeral = true;
	event->xid = UINT64_MAX;
	event->name = memory_copy("herald:position");
	event->position = memory_copy(position);
	return event;
}

Event *
event_part(const Event *event, const char *room)
{
	Event *part = event_new();

	assert(event->ephemeral && event->part_room == NULL);
	part->ephemeral = true;
	part->number = event->number;
	part->xid = event->xid;
	part->name = memory_copy(event->name);
	part->payload = memory_copy(event->payload);
	part->position = memory_copy(event->position);
	part->key = event->key ? memory_format("%s %s", event->key, room) : NULL;
	part->except = memory_copy(event->except);
	part->part_room = memory_copy(room);
	return part;
}

Event *
event_ref(Event *event)
{
	assert(event->references > 0);
	event->references++;
	return event;
}

void
event_drop_frames(Event *event)
{
	for (int i = 0; i < event->frame_count; i++)
	{
		if (event->frames[i] != NULL && event->frames[i] != &unwanted)
			frame_unref(event->frames[i]);
	}
	free(event->frames);
	event->frames = NULL;
	event->frame_count = 0;
}

void
event_unref(Event *event)
{
	assert(event->references > 0);
	if (--event->references > 0)
		return;
	event_drop_frames(event);
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
	recheck_free(event->recheck);
	free(event->ack);
	free(event->key);
	free(event->except);
	free(event->part_room);
	free(event);
}

/* Makes the array of frames long enough: the number of formats is known only by the slots that are used. */
static void
make_frame_slot(Event *event, int slot)
{
	if (slot < event->frame_count)
		return;
	event->frames = memory_resize(event->frames, sizeof(Frame *) * (size_t) (slot + 1));
	while (event->frame_count <= slot)
		event->frames[event->frame_count++] = NULL;
}

/* A connection may serve several formats: the key of a frame names its format, so that each keeps its newest. */
static Frame *
make_frame(const Event *event, const Format *format)
{
	Frame *frame = format->encode(format, event);

	if (frame != NULL && event->key != NULL)
		frame->key = memory_format("%d %s", format->slot, event->key);
	if (frame != NULL && format->on_first_delivery != NULL)
		format->on_first_delivery(format, event);
	return frame;
}

Frame *
event_frame(Event *event, const Format *format)
{
	Frame **frame;

	assert(format->encode != NULL && format->slot >= 0);
	if (event->only != NULL && event->only != format)
		return NULL;
	make_frame_slot(event, format->slot);
	frame = &event->frames[format->slot];
	if (*frame == NULL)
		*frame = make_frame(event, format);
	if (*frame == NULL)
		*frame = &unwanted;
	return *frame == &unwanted ? NULL : *frame;
}

Frame *
event_frame_at(const Event *event, const Format *format, char *position)
{
	Event moved = *event;

	moved.position = position;
	return format->encode(format, &moved);
}

uint32_t
event_ack_id(const Event *event)
{
	return (uint32_t) event->number & INT32_MAX;
}

size_t
event_size(const Event *event)
{
	const Recheck *recheck = event->recheck;
	const char *const texts[] = { event->id, event->name, event->payload, event->position, event->member, event->joins,
								  event->leaves, event->ack, recheck ? recheck->user : NULL,
								  recheck ? recheck->room : NULL };
	size_t size = sizeof(Event) + sizeof(Event *);

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		size += texts[i] ? strlen(texts[i]) + ALLOCATION : 0;
	size += recheck ? sizeof(Recheck) + ALLOCATION : 0;
	for (int i = 0; i < event->room_count; i++)
		size += strlen(event->rooms[i]) + ALLOCATION + sizeof(char *);
	return size;
}

struct EventParts
{
	const Format *format;
	Event *part;
	struct EventParts *next;
};

Event *
event_parts_get(EventParts **parts, const Format *format, const Event *event, const char *room)
{
	EventParts *entry = *parts;

	assert(format->part != NULL);
	while (entry != NULL && entry->format != format)
		entry = entry->next;
	if (entry == NULL)
	{
		entry = memory_new(sizeof(EventParts));
		entry->format = format;
		entry->part = format->part(format, event, room);
		entry->next = *parts;
		*parts = entry;
	}
	return entry->part;
}

void
event_parts_free(EventParts *parts)
{
	while (parts != NULL)
	{
		EventParts *entry = parts;

		parts = entry->next;
		if (entry->part != NULL)
			event_unref(entry->part);
		free(entry);
	}
}

/*-------------------------------------------------------------------------
 *
 * recent.c
 *	  The recent events of the log, in memory.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/recent.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "base/metrics.h"

/* Stretches of new events count up from here, those that are put in front of them count down: no number comes again. */
#define MIDDLE (UINT64_C(1) << 32)

typedef struct Stretch
{
	uint64_t number;
	char *position; /* where it begins */
	Event **events;
	int count;
	int capacity;
	size_t bytes;
	struct Stretch *next;
	struct Stretch *prev;
} Stretch;

static const Config *config;
static Stretch *stretches;
static Stretch *back; /* is being collected */
static int stretch_count;
static uint64_t next_number = MIDDLE;
static uint64_t next_back_number = MIDDLE - 1;

static Stretch *
new_stretch(const char *position)
{
	Stretch *stretch = memory_new(sizeof(Stretch));

	stretch->position = memory_copy(position);
	return stretch;
}

static void
free_stretch(Stretch *stretch)
{
	if (stretch == NULL)
		return;
	for (int i = 0; i < stretch->count; i++)
		event_release(stretch->events[i]);
	metrics.recent_events -= stretch->count;
	metrics.recent_bytes -= (int64_t) stretch->bytes;
	free(stretch->events);
	free(stretch->position);
	free(stretch);
}

static void
append(Stretch *stretch, Event *event)
{
	size_t bytes = event_size(event);

	if (stretch->count == stretch->capacity)
	{
		stretch->capacity = stretch->capacity ? stretch->capacity * 2 : 16;
		stretch->events = memory_resize(stretch->events, sizeof(Event *) * (size_t) stretch->capacity);
	}
	stretch->events[stretch->count++] = event_hold(event);
	stretch->bytes += bytes;
	metrics.recent_events++;
	metrics.recent_bytes += (int64_t) bytes;
}

static void
forget_first(void)
{
	Stretch *first = stretches;

	DL_DELETE(stretches, first);
	stretch_count--;
	free_stretch(first);
}

static void
forget_back(void)
{
	free_stretch(back);
	back = NULL;
}

void
recent_start(const Config *settings)
{
	config = settings;
}

void
recent_clear(void)
{
	forget_back();
	while (stretches != NULL)
		forget_first();
}

/* A window that is larger than the memory leaves nothing; after it a new stretch begins. */
void
recent_add(Event *event)
{
	if (stretches != NULL)
		append(stretches->prev, event);
	if (metrics.recent_bytes > config->recent_events_size)
		forget_back();
	while (stretches != NULL && metrics.recent_bytes > config->recent_events_size)
		forget_first();
}

void
recent_reached(const char *position)
{
	Stretch *last = stretches ? stretches->prev : NULL;
	Stretch *stretch;

	if (last != NULL && last->bytes < (size_t) config->recent_events_size / RECENT_STRETCHES * 2)
		return;
	if (stretch_count == RECENT_STRETCHES)
		forget_first();
	stretch = new_stretch(position);
	stretch->number = next_number++;
	DL_APPEND(stretches, stretch);
	stretch_count++;
}

uint64_t
recent_first(void)
{
	return stretches ? stretches->number : next_number;
}

const char *
recent_position(uint64_t number)
{
	Stretch *stretch;

	DL_SEARCH_SCALAR(stretches, stretch, number, number);
	return stretch ? stretch->position : NULL;
}

int
recent_held(const char **positions, uint64_t *numbers)
{
	Stretch *stretch;
	int count = 0;

	DL_FOREACH(stretches, stretch)
	{
		positions[count] = stretch->position;
		numbers[count++] = stretch->number;
	}
	return count;
}

void
recent_each(uint64_t from, void (*visit)(Event *event))
{
	Stretch *stretch;

	DL_FOREACH(stretches, stretch)
	{
		for (int i = 0; stretch->number >= from && i < stretch->count; i++)
			visit(stretch->events[i]);
	}
}

void
recent_back_begin(const char *position)
{
	forget_back();
	if (position != NULL)
		back = new_stretch(position);
}

void
recent_back_add(Event *event)
{
	if (back == NULL)
		return;
	append(back, event);
	if (metrics.recent_bytes > config->recent_events_size)
		forget_back();
}

void
recent_back_end(void)
{
	if (back == NULL || stretches == NULL || stretch_count == RECENT_STRETCHES ||
		strcmp(back->position, stretches->position) == 0)
	{
		forget_back();
		return;
	}
	back->number = next_back_number--;
	DL_PREPEND(stretches, back);
	stretch_count++;
	back = NULL;
}

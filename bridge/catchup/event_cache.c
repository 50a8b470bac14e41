/*-------------------------------------------------------------------------
 *
 * event_cache.c
 *	  The recent events of the log, in memory.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "catchup/event_cache.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "base/metrics.h"

/* segments of new events count up from here, those that are put in front of them count down: no number comes again. */
#define MIDDLE (UINT64_C(1) << 32)

typedef struct Segment
{
	uint64_t number;
	char *position; /* where it begins */
	Event **events;
	int count;
	int capacity;
	size_t bytes;
	struct Segment *next;
	struct Segment *prev;
} Segment;

static const Config *config;
static Segment *segments;
static Segment *back; /* is being collected */
static int segment_count;
static uint64_t next_number = MIDDLE;
static uint64_t next_back_number = MIDDLE - 1;

static Segment *
new_segment(const char *position)
{
	Segment *segment = memory_new(sizeof(Segment));

	segment->position = memory_copy(position);
	return segment;
}

static void
free_segment(Segment *segment)
{
	if (segment == NULL)
		return;
	for (int i = 0; i < segment->count; i++)
		event_unref(segment->events[i]);
	metrics.cached_events -= segment->count;
	metrics.cached_bytes -= (int64_t) segment->bytes;
	free(segment->events);
	free(segment->position);
	free(segment);
}

static void
append(Segment *segment, Event *event)
{
	size_t bytes = event_size(event);

	if (segment->count == segment->capacity)
	{
		segment->capacity = segment->capacity ? segment->capacity * 2 : 16;
		segment->events = memory_resize(segment->events, sizeof(Event *) * (size_t) segment->capacity);
	}
	segment->events[segment->count++] = event_ref(event);
	segment->bytes += bytes;
	metrics.cached_events++;
	metrics.cached_bytes += (int64_t) bytes;
}

static void
forget_first(void)
{
	Segment *first = segments;

	DL_DELETE(segments, first);
	segment_count--;
	free_segment(first);
}

static void
forget_back(void)
{
	free_segment(back);
	back = NULL;
}

void
event_cache_start(const Config *settings)
{
	config = settings;
}

void
event_cache_clear(void)
{
	forget_back();
	while (segments != NULL)
		forget_first();
}

/* A window that is larger than the memory leaves nothing; after it a new segment begins. */
void
event_cache_add(Event *event)
{
	if (segments != NULL)
		append(segments->prev, event);
	if (metrics.cached_bytes > config->event_cache_size)
		forget_back();
	while (segments != NULL && metrics.cached_bytes > config->event_cache_size)
		forget_first();
}

void
event_cache_reached(const char *position)
{
	Segment *last = segments ? segments->prev : NULL;
	Segment *segment;

	if (last != NULL && last->bytes < (size_t) config->event_cache_size / EVENT_CACHE_SEGMENTS * 2)
		return;
	if (segment_count == EVENT_CACHE_SEGMENTS)
		forget_first();
	segment = new_segment(position);
	segment->number = next_number++;
	DL_APPEND(segments, segment);
	segment_count++;
}

uint64_t
event_cache_first_segment(void)
{
	return segments ? segments->number : next_number;
}

const char *
event_cache_position(uint64_t number)
{
	Segment *segment;

	DL_SEARCH_SCALAR(segments, segment, number, number);
	return segment ? segment->position : NULL;
}

int
event_cache_segments(const char **positions, uint64_t *numbers)
{
	Segment *segment;
	int count = 0;

	DL_FOREACH(segments, segment)
	{
		positions[count] = segment->position;
		numbers[count++] = segment->number;
	}
	return count;
}

void
event_cache_each(uint64_t from, void (*visit)(Event *event))
{
	Segment *segment;

	DL_FOREACH(segments, segment)
	{
		for (int i = 0; segment->number >= from && i < segment->count; i++)
			visit(segment->events[i]);
	}
}

void
event_cache_prepend_begin(const char *position)
{
	forget_back();
	if (position != NULL)
		back = new_segment(position);
}

void
event_cache_prepend_add(Event *event)
{
	if (back == NULL)
		return;
	append(back, event);
	if (metrics.cached_bytes > config->event_cache_size)
		forget_back();
}

void
event_cache_prepend_end(void)
{
	if (back == NULL || segments == NULL || segment_count == EVENT_CACHE_SEGMENTS ||
		strcmp(back->position, segments->position) == 0)
	{
		forget_back();
		return;
	}
	back->number = next_back_number--;
	DL_PREPEND(segments, back);
	segment_count++;
	back = NULL;
}

/*-------------------------------------------------------------------------
 *
 * event_cache.c
 *	  Keeps the latest events of the log in memory, for sessions that come back after a short absence.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "catchup/event_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "base/metrics.h"

/* Segments of new events count up from here, those in front of them count down: no number is used twice. */
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

static struct
{
	const Config *config; /* event-cache-size may change while the bridge runs */
	Segment *segments;
	int segment_count;
	Segment *prepended; /* is being collected; or NULL */
	uint64_t next_number;
	uint64_t next_prepended_number;
} cache = { .next_number = MIDDLE, .next_prepended_number = MIDDLE - 1 };

static bool
is_too_large(void)
{
	return metrics.cached_bytes > cache.config->event_cache_size;
}

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
append_event(Segment *segment, Event *event)
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
forget_first_segment(void)
{
	Segment *first = cache.segments;

	DL_DELETE(cache.segments, first);
	cache.segment_count--;
	free_segment(first);
}

static void
forget_prepended(void)
{
	free_segment(cache.prepended);
	cache.prepended = NULL;
}

void
event_cache_start(const Config *config)
{
	cache.config = config;
}

void
event_cache_clear(void)
{
	forget_prepended();
	while (cache.segments != NULL)
		forget_first_segment();
}

/* A window that is larger than the cache leaves it empty; a new segment begins after that window. */
void
event_cache_add(Event *event)
{
	assert(cache.config != NULL);
	if (cache.segments != NULL)
		append_event(cache.segments->prev, event);
	if (is_too_large())
		forget_prepended();
	while (cache.segments != NULL && is_too_large())
		forget_first_segment();
}

void
event_cache_reached(const char *position)
{
	Segment *last = cache.segments ? cache.segments->prev : NULL;
	Segment *segment;

	assert(cache.config != NULL && position != NULL);
	if (last != NULL && last->bytes < (size_t) cache.config->event_cache_size / EVENT_CACHE_SEGMENTS * 2)
		return;
	if (cache.segment_count == EVENT_CACHE_SEGMENTS)
		forget_first_segment();
	segment = new_segment(position);
	segment->number = cache.next_number++;
	DL_APPEND(cache.segments, segment);
	cache.segment_count++;
}

uint64_t
event_cache_first_segment(void)
{
	return cache.segments ? cache.segments->number : cache.next_number;
}

const char *
event_cache_position(uint64_t number)
{
	Segment *segment;

	DL_SEARCH_SCALAR(cache.segments, segment, number, number);
	return segment ? segment->position : NULL;
}

int
event_cache_segments(const char **positions, uint64_t *numbers)
{
	Segment *segment;
	int count = 0;

	DL_FOREACH(cache.segments, segment)
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

	DL_FOREACH(cache.segments, segment)
	{
		for (int i = 0; segment->number >= from && i < segment->count; i++)
			visit(segment->events[i]);
	}
}

void
event_cache_prepend_begin(const char *position)
{
	forget_prepended();
	if (position != NULL)
		cache.prepended = new_segment(position);
}

void
event_cache_prepend_add(Event *event)
{
	if (cache.prepended == NULL)
		return;
	append_event(cache.prepended, event);
	if (is_too_large())
		forget_prepended();
}

void
event_cache_prepend_end(void)
{
	if (cache.prepended == NULL || cache.segments == NULL || cache.segment_count == EVENT_CACHE_SEGMENTS ||
		strcmp(cache.prepended->position, cache.segments->position) == 0)
	{
		forget_prepended();
		return;
	}
	cache.prepended->number = cache.next_prepended_number--;
	DL_PREPEND(cache.segments, cache.prepended);
	cache.segment_count++;
	cache.prepended = NULL;
}

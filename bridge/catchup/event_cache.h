/*-------------------------------------------------------------------------
 *
 * event_cache.h
 *	  Keeps the latest events of the log in memory, for sessions that come back after a short absence.
 *
 * The cache is a row of segments.  Each begins at a position of the reader and holds
 * the events from there to the next segment.  When the events take more memory than
 * event-cache-size allows, the oldest segment is forgotten.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_CACHE_H
#define HERALD_EVENT_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "fanout/event.h"

/* There are never more segments. */
#define EVENT_CACHE_SEGMENTS 64

/* Must be called once, before all others. */
extern void event_cache_start(const Config *config);

/* Forgets everything. */
extern void event_cache_clear(void);

/* Adds an event that the reader has read; the cache holds a reference of its own. */
extern void event_cache_add(Event *event);

/* Notes the reader's position between two windows, where a segment may begin. */
extern void event_cache_reached(const char *position);

/*
 * Returns the number of the first segment, or if there is none, the number of the next one.
 * Numbers ascend in the order of the log and are never used again.
 */
extern uint64_t event_cache_first_segment(void);

/* Returns the position at which a segment begins; NULL: it is not, or no longer, in the cache. */
extern const char *event_cache_position(uint64_t number);

/* Fills both arrays, of EVENT_CACHE_SEGMENTS elements, with all segments; returns the number of these. */
extern int event_cache_segments(const char **positions, uint64_t *numbers);

/* Calls a function for each event, from the beginning of a segment on. */
extern void event_cache_each(uint64_t from, void (*visit)(Event *event));

/*
 * Puts a segment in front of the first one, from events that were read from an older position up to it:
 * begin() at that position, add() for each event, end().  Too many events are not kept.  begin() drops those of an
 * earlier begin(); with NULL it collects none.
 */
extern void event_cache_prepend_begin(const char *position);
extern void event_cache_prepend_add(Event *event);
extern void event_cache_prepend_end(void);

#endif /* HERALD_EVENT_CACHE_H */

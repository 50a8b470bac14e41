/*-------------------------------------------------------------------------
 *
 * event_cache.h
 *	  The recent events of the log, in memory.
 *
 * Who comes back after a short absence is served from here.  The memory is a row
 * of segments, each from a position of the reader on; the oldest is forgotten
 * when the events take more than they may.
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

extern void event_cache_start(const Config *config);

/* Forgets everything. */
extern void event_cache_clear(void);

/* An event that was read; and the reader's position behind it, between two windows. */
extern void event_cache_add(Event *event);
extern void event_cache_reached(const char *position);

/*
 * segments have ascending numbers, which never come again.  Behind each of them
 * everything is there.  The position is NULL where there is no such segment (any
 * more), and that of the first one where there are none at all.
 */
extern uint64_t event_cache_first_segment(void);
extern const char *event_cache_position(uint64_t number);

/* All of them, at most EVENT_CACHE_SEGMENTS; returns how many they are. */
extern int event_cache_segments(const char **positions, uint64_t *numbers);

/* Calls a function for each event from a segment on. */
extern void event_cache_each(uint64_t from, void (*visit)(Event *event));

/*
 * Events that were read from an older position up to the first segment: put in
 * front of it, if there is room for all of them.  event_cache_prepend_begin() forgets
 * what was collected before; NULL: nothing is.
 */
extern void event_cache_prepend_begin(const char *position);
extern void event_cache_prepend_add(Event *event);
extern void event_cache_prepend_end(void);

#endif /* HERALD_EVENT_CACHE_H */

/*-------------------------------------------------------------------------
 *
 * recent.h
 *	  The recent events of the log, in memory.
 *
 * Who comes back after a short absence is served from here.  The memory is a row
 * of stretches, each from a position of the reader on; the oldest is forgotten
 * when the events take more than they may.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RECENT_H
#define HERALD_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "fanout/event.h"

/* There are never more stretches. */
#define RECENT_STRETCHES 64

extern void recent_start(const Config *config);

/* Forgets everything. */
extern void recent_clear(void);

/* An event that was read; and the reader's position behind it, between two windows. */
extern void recent_add(Event *event);
extern void recent_reached(const char *position);

/*
 * Stretches have ascending numbers, which never come again.  Behind each of them
 * everything is there.  The position is NULL where there is no such stretch (any
 * more), and that of the first one where there are none at all.
 */
extern uint64_t recent_first(void);
extern const char *recent_position(uint64_t number);

/* All of them, at most RECENT_STRETCHES; returns how many they are. */
extern int recent_held(const char **positions, uint64_t *numbers);

/* Calls a function for each event from a stretch on. */
extern void recent_each(uint64_t from, void (*visit)(Event *event));

/*
 * Events that were read from an older position up to the first stretch: put in
 * front of it, if there is room for all of them.  recent_back_begin() forgets
 * what was collected before; NULL: nothing is.
 */
extern void recent_back_begin(const char *position);
extern void recent_back_add(Event *event);
extern void recent_back_end(void);

#endif /* HERALD_RECENT_H */

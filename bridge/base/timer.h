/*-------------------------------------------------------------------------
 *
 * timer.h
 *	  Many timers for the price of one: a wheel on the loop.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TIMER_H
#define HERALD_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A timer is part of what it times: whoever frees that stops it first.  It
 * never fires early, and up to two ticks late.
 */
#define TIMER_TICK_MS 50

typedef struct Timer
{
	struct Timer *next; /* in its slot of the wheel; NULL: not running */
	struct Timer *previous;
	uint64_t due; /* in ticks */
	void (*fire)(void *context);
	void *context;
} Timer;

/* The wheel turns on the process's loop (base/loop.h) while timers run, and only then. */
extern void timer_start(Timer *timer, uint64_t milliseconds, void (*fire)(void *context), void *context);
extern void timer_stop(Timer *timer);
extern bool timer_is_running(const Timer *timer);

#endif /* HERALD_TIMER_H */

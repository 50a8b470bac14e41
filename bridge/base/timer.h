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
 * A timer is a member of the object that it times; stop it before that object is
 * freed.  It never fires early, and up to two ticks late.  Zeroed: not running.
 */
#define TIMER_TICK_MS 10

typedef struct Timer
{
	struct Timer *next; /* in its slot of the wheel; NULL: not running */
	struct Timer *previous;
	uint64_t due; /* in ticks */
	void (*fire)(void *context);
	void *context;
} Timer;

/*
 * Starts a timer, or starts it again: fire(context) is called once, from the loop.  The
 * wheel wakes the process only at ticks that have a timer.
 */
extern void timer_start(Timer *timer, uint64_t milliseconds, void (*fire)(void *context), void *context);
/* Stops a timer; of no effect when it does not run. */
extern void timer_stop(Timer *timer);
extern bool timer_is_running(const Timer *timer);

#endif /* HERALD_TIMER_H */

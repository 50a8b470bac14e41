/*-------------------------------------------------------------------------
 *
 * timer.h
 *	  Many timers for the price of one: two wheels on the loop.
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
 * freed.  By loop_now() it never fires early, and only as late as the loop is, or a millisecond
 * if it was started with 0.  Zeroed: not running.
 */
typedef struct Timer
{
	struct Timer *next; /* in its slot of a wheel; NULL: not running */
	struct Timer *previous;
	uint64_t due; /* by loop_now() */
	void (*fire)(void *context);
	void *context;
} Timer;

/*
 * Starts a timer, or starts it again: fire(context) is called once, from the loop.  The
 * process wakes for each timer twice at most.
 */
extern void timer_start(Timer *timer, uint64_t milliseconds, void (*fire)(void *context), void *context);
/* Stops a timer; of no effect when it does not run. */
extern void timer_stop(Timer *timer);
extern bool timer_is_running(const Timer *timer);

#endif /* HERALD_TIMER_H */

/*-------------------------------------------------------------------------
 *
 * loop.h
 *	  The event loop of the process.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOP_H
#define HERALD_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Returns the one loop of the process, which runs everything; there are no threads. */
extern uv_loop_t *loop_uv(void);

/*
 * Calls "finish" at the end of each turn in which loop_turn_has_work() was called,
 * once for everything that happened in the turn.  If it returns true, it has not
 * finished, and the next turn begins at once.  Must be called once, before any work.
 */
extern void loop_on_turn_end(bool (*finish)(void));
extern void loop_turn_has_work(void);

/* Calls a function whenever the process receives the signal. */
extern void loop_on_signal(int number, void (*handle)(int number));

/* Runs the loop until loop_stop(). */
extern void loop_run(void);
extern void loop_stop(void);

/* Returns milliseconds of a monotonic clock, as of the beginning of the turn. */
extern uint64_t loop_now(void);

#endif /* HERALD_LOOP_H */

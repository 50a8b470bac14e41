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

/* The loop: there is one, and everything runs on it.  No threads. */
extern uv_loop_t *loop_uv(void);

/*
 * Has "finish" called at the end of each turn in which loop_turn_has_work() was
 * called: once for everything that happened in the turn.  It returns true when
 * it has not finished; then the next turn comes at once.
 */
extern void loop_on_turn_end(bool (*finish)(void));
extern void loop_turn_has_work(void);

/* Has a function called on a signal. */
extern void loop_on_signal(int number, void (*handle)(int number));

extern void loop_run(void);
extern void loop_stop(void);

/* Milliseconds of a clock that only goes forward. */
extern uint64_t loop_now(void);

#endif /* HERALD_LOOP_H */

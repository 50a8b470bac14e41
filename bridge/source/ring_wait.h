/*-------------------------------------------------------------------------
 *
 * ring_wait.h
 *	  The wait of the reader's session, in the server, for commits.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RING_WAIT_H
#define HERALD_RING_WAIT_H

#include <stdbool.h>

#include "source/database.h"
#include "source/doorbell.h"

/* Sets the id under which the session waits; NULL: it cannot wait in this server. */
extern void ring_wait_set_id(const char *id);

/* Returns whether the session can wait. */
extern bool ring_wait_is_possible(void);

/*
 * Has the server wait for commits, for so many milliseconds at most, before it runs the next query, which the caller
 * must queue at once.  Calls ended() before that query's answer.
 */
extern void ring_wait_begin(Database *database, long milliseconds, void (*ended)(void));

/* Ends the wait, on the connection of the doorbell, if there is one. */
extern void ring_wait_end(Doorbell *doorbell);

/* Returns whether the latest wait failed, once. */
extern bool ring_wait_take_failure(void);

/* Forgets the wait: its connection is lost. */
extern void ring_wait_forget(void);

#endif /* HERALD_RING_WAIT_H */

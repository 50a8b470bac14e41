/*-------------------------------------------------------------------------
 *
 * lone_arrivals.h
 *	  Queues the sessions with many rooms, each of which a query of its own locates.
 *
 * Their users take turns.  A user whose work is too much rests before the next one (fanout/user_work.h).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LONE_ARRIVALS_H
#define HERALD_LONE_ARRIVALS_H

#include <stdbool.h>

#include "fanout/session.h"
#include "source/database.h"

/* Must be called first.  rested() is called when a session may be taken after a rest. */
extern void lone_arrivals_start(void (*rested)(void));

/* Ends all rests; rested() is not called any more. */
extern void lone_arrivals_stop(void);

/* Queues a session.  Takes over the reference. */
extern void lone_arrivals_add(Session *session);

/*
 * Returns whether some sessions of a query that has failed may pass alone: it failed for what it asked.  A query that
 * was cancelled, or met a lock, took too long: one query for each would take longer.
 */
extern bool lone_arrivals_may_pass(const PGresult *failed);

/* Returns the next session, with its reference: it is under way.  NULL: there is none, or one is under way. */
extern Session *lone_arrivals_take(void);

/* Ends the session that is under way. */
extern void lone_arrivals_end(void);

#endif /* HERALD_LONE_ARRIVALS_H */

/*-------------------------------------------------------------------------
 *
 * pause.h
 *	  Holds stalled sessions until they can go on.
 *
 * Step 6 of the model in arrival.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PAUSE_H
#define HERALD_PAUSE_H

#include "fanout/session.h"

/* Must be called first.  go_on() gets each session, with a reference, when its pause is over. */
extern void pause_start(void (*go_on)(Session *session));

/* Gives up all sessions. */
extern void pause_stop(void);

/*
 * Takes a session that has stalled out of its audience.  It goes on when its outbox is empty, and at once when its
 * access must be checked.  If the outbox is empty, but has no space, it goes on after a while.  Takes over the
 * reference.
 */
extern void pause_stalled(Session *session);

/* Does the same with a session whose reading failed. */
extern void pause_failed(Session *session);

#endif /* HERALD_PAUSE_H */

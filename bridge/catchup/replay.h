/*-------------------------------------------------------------------------
 *
 * replay.h
 *	  Delivers the events that sessions missed, from the event cache or from the log.
 *
 * Steps 4 and 5 of the model in arrival.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_REPLAY_H
#define HERALD_REPLAY_H

#include "base/config.h"
#include "fanout/session_list.h"

/* Connects to the database. */
extern void replay_start(const Config *config);

/* Disconnects, and pauses all sessions (pause.h). */
extern void replay_stop(void);

/*
 * Welcomes sessions and delivers the events after their positions, until they are live.  The reader
 * must be between two windows and past their positions.  Takes over the references of the list.
 */
extern void replay_begin(SessionList *arrived);

#endif /* HERALD_REPLAY_H */

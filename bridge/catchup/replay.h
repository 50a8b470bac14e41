/*-------------------------------------------------------------------------
 *
 * replay.h
 *	  Delivers the events that sessions missed, from the event cache or from the log.
 *
 * Steps 5 to 7 of the model in arrival.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_REPLAY_H
#define HERALD_REPLAY_H

#include "base/config.h"
#include "fanout/session_list.h"

/* Connects to the database.  relocate() gets each session that must be located once more, with a reference. */
extern void replay_start(const Config *config, void (*relocate)(Session *session));

/* Disconnects, and gives up all sessions. */
extern void replay_stop(void);

/*
 * Welcomes sessions and delivers the events after their positions, until they are live.  The reader
 * must be between two windows and past their positions.  Takes over the references of the list.
 */
extern void replay_begin(SessionList *arrived);

/*
 * Pauses a session that has stalled, until its outbox is empty; then it is located once more.
 * Takes over the reference.
 */
extern void replay_retry(Session *session);

#endif /* HERALD_REPLAY_H */

/*-------------------------------------------------------------------------
 *
 * replay.h
 *	  What sessions missed, from memory or from the log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_REPLAY_H
#define HERALD_REPLAY_H

#include "base/config.h"
#include "fanout/session_list.h"

/* again() gets a session, with a reference, that must ask for its place in the log once more. */
extern void replay_start(const Config *config, void (*again)(Session *session));
extern void replay_stop(void);

/*
 * Welcomes sessions that know their place, and gives them what comes after it
 * until they are live.  The reader is between two windows and past their places.
 * Takes over the references of the list.
 */
extern void replay_begin(SessionList *arrived);

/* A session, with a reference, that takes no more now: it asks for its place again when it has taken what waits. */
extern void replay_later(Session *session);

#endif /* HERALD_REPLAY_H */

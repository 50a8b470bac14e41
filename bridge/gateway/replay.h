/*-------------------------------------------------------------------------
 *
 * replay.h
 *	  What a session missed, read from the log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_REPLAY_H
#define HERALD_REPLAY_H

#include "base/config.h"
#include "fanout/session.h"

extern void replay_start(const Config *config);
extern void replay_stop(void);

/*
 * Welcomes a session that is in its rooms and holds live events back.  If it
 * says where it was, it gets the events of its rooms from there up to the
 * position "until" first; if that cannot be done, it is told so.
 */
extern void replay_begin(Session *session, const char *until);

#endif /* HERALD_REPLAY_H */

/*-------------------------------------------------------------------------
 *
 * typist.h
 *	  Tracks where the sessions of this bridge type.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TYPIST_H
#define HERALD_TYPIST_H

#include <jansson.h>
#include <stdbool.h>

#include "fanout/session.h"

/* Registers the function that does the action typing:stop for a session, which may have left. */
extern void typist_on_end(void (*end)(Session *session, const json_t *payload));

/*
 * Notes an action that is about to be done.  Returns whether others know already what it says: then it need not be
 * done.  Always false for actions other than typing:start and typing:stop.
 */
extern bool typist_repeats(Session *session, const char *action, const char *payload);

/* Notes an action that was done, by a transaction; 0: by none that has written anything.  Others are told. */
extern void typist_told(Session *session, const char *action, const char *payload, uint64_t xid);

/* Ends the typing of a session that leaves. */
extern void typist_leave(Session *session);

#endif /* HERALD_TYPIST_H */

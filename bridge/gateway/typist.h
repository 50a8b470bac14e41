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

/* Registers the function that does the action typing:stop for a session, which may have left; "place" is its data. */
extern void typist_on_end(void (*end)(Session *session, const json_t *place));

/*
 * Notes an action that is about to be done.  Returns whether others know already what it says: then it need not be
 * done.  Always false for actions other than typing:start and typing:stop.
 */
extern bool typist_repeats(Session *session, const char *action, const char *payload);

/* Notes an action that was done: others are told. */
extern void typist_told(Session *session, const char *action, const char *payload);

/* Ends the typing of a session that leaves. */
extern void typist_leave(Session *session);

#endif /* HERALD_TYPIST_H */

/*-------------------------------------------------------------------------
 *
 * action.h
 *	  Does the actions that clients ask for.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ACTION_H
#define HERALD_ACTION_H

#include <jansson.h>

#include "gateway/action_answer.h"

/*
 * Does an action of a client: "ping", "room:join" and "room:leave" here, all others through herald_internal.act().
 * The actions of a user are done one after the other, in the order in which they are submitted.  Takes over "reference", which may be
 * NULL; "data" may be NULL and stays the caller's.
 */
extern void action_submit(Session *session, const char *name, const json_t *data, char *reference, ActionAnswer answer);

/*
 * Does an action that the client was asked for, or that the bridge does in its place: no limit but that of all waiting
 * actions refuses it.  The session may have left.
 */
extern void action_submit_owed(Session *session, const char *name, const json_t *data, char *reference,
							   ActionAnswer answer);

#endif /* HERALD_ACTION_H */

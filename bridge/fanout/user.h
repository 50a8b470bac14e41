/*-------------------------------------------------------------------------
 *
 * user.h
 *	  Finds the sessions of a user.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_USER_H
#define HERALD_USER_H

#include "fanout/session.h"

/* Adds a session to those of its user, without a reference, and takes it out again. */
extern void user_add_session(Session *session);
extern void user_remove_session(Session *session);

/* Returns the user's sessions as a list by next_of_user; NULL: there are none. */
extern Session *user_sessions(const char *id);

/* Registers the function to call when a user's first session is added and when the last one is removed; NULL: none. */
extern void user_on_change(void (*tell)(const char *id, bool has_sessions));

/* Calls a function for each session of all users; it may remove that session. */
extern void user_each_session(void (*visit)(Session *session, void *context), void *context);

#endif /* HERALD_USER_H */

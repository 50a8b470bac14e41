/*-------------------------------------------------------------------------
 *
 * lone_action.h
 *	  Does one action for a client without a session.
 *
 * The token or cookie of the request counts as that of a session does.  All such actions of a user count as those of
 * one session for the limits of rates.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LONE_ACTION_H
#define HERALD_LONE_ACTION_H

#include <stdint.h>

#include "fanout/session.h"
#include "gateway/auth.h"
#include "gateway/cookie_auth.h"

/* One action.  Its owner sets the first part, whose strings must stay until the answer. */
typedef struct LoneAction
{
	const char *name;
	const char *token;	/* or NULL */
	const char *cookie; /* of the application's session, which counts if there is no token; or NULL */
	ClientAddress from;
	/* The client has a good token or cookie: the owner may take its data, and then submits the action. */
	void (*admitted)(struct LoneAction *action);
	/* Gets the answer as ActionAnswer does, once.  The action has ended by then. */
	void (*answer)(struct LoneAction *action, const char *body);

	CookieQuestion *question; /* the cookie is being checked */
	Session *session;		  /* a guest, until the answer */
} LoneAction;

/* Checks the token or cookie, at once or later.  Then calls admitted(), or answers why the client is refused. */
extern void lone_action_begin(LoneAction *action);

/* Does an admitted action with its data, JSON of this length; 0: there is none.  Answers at once or later. */
extern void lone_action_submit(LoneAction *action, const char *text, size_t length);

/* Answers that an admitted action is not done, for this reason. */
extern void lone_action_refuse(LoneAction *action, const char *code, const char *message);

/* Ends an action whose client is gone: it gets no answer.  The database may still do it.  No effect on an ended one. */
extern void lone_action_give_up(LoneAction *action);

#endif /* HERALD_LONE_ACTION_H */

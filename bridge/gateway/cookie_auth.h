/*-------------------------------------------------------------------------
 *
 * cookie_auth.h
 *	  Asks the application for the user of a session cookie.
 *
 * The application answers by a function in the database, herald.authenticate().
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_COOKIE_AUTH_H
#define HERALD_COOKIE_AUTH_H

#include "base/config.h"
#include "gateway/auth.h"

/* A question that has no answer yet. */
typedef struct CookieQuestion CookieQuestion;

/* Receives an answer: a copy of the identity, which it owns; or NULL, with the reason. */
typedef void (*CookieAnswer)(void *context, Identity *identity, const Refusal *refusal);

/* The reason when the cookie may have made the application's function fail: it counts as a failed token. */
extern const Refusal cookie_auth_failed;

/* Connects to the database if there is a setting session-cookie. */
extern void cookie_auth_start(const Config *config);

/* Answers all questions, and closes the connections. */
extern void cookie_auth_stop(void);

/*
 * Asks for the user of a cookie.  Calls answer() once: at once, and then it returns NULL, or later.  The asker may
 * give up a question that is not answered.  The questions of all addresses take turns.
 */
extern CookieQuestion *cookie_auth_ask(const char *cookie, const char *address, CookieAnswer answer, void *context);
extern void cookie_auth_give_up(CookieQuestion *question);

/* Forgets the answers that name a user, or all, also those that are on their way: they are asked for again. */
extern void cookie_auth_forget(const char *user);
extern void cookie_auth_forget_all(void);

#endif /* HERALD_COOKIE_AUTH_H */

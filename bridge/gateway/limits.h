/*-------------------------------------------------------------------------
 *
 * limits.h
 *	  Limits how often clients ask for something: by session, by user and by address.
 *
 * A setting states each limit for one session.  A user may do as much as so many sessions
 * (limit-user-sessions), an address as much as so many more (limit-address-sessions).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LIMITS_H
#define HERALD_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "fanout/session.h"

typedef enum LimitKind
{
	LIMIT_CONNECTS,		 /* sessions that begin; not by session */
	LIMIT_MESSAGES,		 /* frames, packets and segments, of a connection */
	LIMIT_JOINS,		 /* of rooms */
	LIMIT_ACTIONS,		 /* all others */
	LIMIT_SIGNALS,		 /* such as typing:start; they count as actions, too */
	LIMIT_FAILED_TOKENS, /* of a connection */
	LIMIT_SOCKETS,		 /* requests and TCP connections that lead to no session; by address only */
	LIMIT_ANONYMOUS,	 /* frames, packets and segments, of a connection without a session */
	LIMIT_KINDS
} LimitKind;

/* The asking client.  A scope without a name is not limited. */
typedef struct LimitSubject
{
	const char *session; /* or the connection, for messages and tokens */
	const char *user;
	const char *address; /* of the client, as text */
} LimitSubject;

/* Applies the settings, which are good, from now on; until then nothing is limited. */
extern void limits_configure(const Config *config);

/*
 * Counts one more.  Returns 0, or the time until the next one is permitted, in milliseconds: then it is not
 * counted, the log has a line, one per offender and minute, and metrics.limited counts it.
 */
extern int64_t limits_take(LimitKind kind, const LimitSubject *subject);

/*
 * Counts so many that have happened already, permitted or not.  Returns the same for the next one, a minute at most.
 * Others may share the address: no more count for it than a session may do at once, or ten without a user, and it
 * waits 2 seconds at most.
 */
extern int64_t limits_charge(LimitKind kind, const LimitSubject *subject, int64_t count);

/* Takes back so many that have counted. */
extern void limits_give(LimitKind kind, const LimitSubject *subject, int64_t count);

/* Returns the same for one more, without counting it. */
extern int64_t limits_wait(LimitKind kind, const LimitSubject *subject);

/* Returns whether one more would have to wait.  Neither the log nor a metric hears of it. */
extern bool limits_is_used_up(LimitKind kind, const LimitSubject *subject);

/* Counts an action of a session, by the limits that concern it.  Returns the same. */
extern int64_t limits_take_action(const Session *session, const char *name);

/* Counts a refusal that a session was told of.  Returns false if its client goes on all the same: close it. */
extern bool limits_tolerate(const char *session);

/* Returns the message for a client that must wait so long; valid until the next call. */
extern const char *limits_message(int64_t wait);

#endif /* HERALD_LIMITS_H */

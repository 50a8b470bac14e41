/*-------------------------------------------------------------------------
 *
 * auth.h
 *	  Verifies tokens and reads the user from them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_AUTH_H
#define HERALD_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "gateway/key_set.h"

/* The user that a good token names. */
typedef struct Identity
{
	char *user;
	char *claims;	 /* JSON */
	double issued;	 /* seconds since 1970; NAN: unknown; INFINITY: the application is asked each time */
	int64_t expires; /* likewise, with the allowance for wrong clocks; 0: never */
} Identity;

/* The reason why a token is refused.  Both strings belong to this module; the next auth_adopt() may change them. */
typedef struct Refusal
{
	const char *code;
	const char *message;
	int64_t wait; /* milliseconds; above 0: a limit is exceeded, and the connection is to be closed */
} Refusal;

/* The client that shows a token, for the log; either may be NULL when it is unknown. */
typedef struct ClientAddress
{
	const char *peer;		/* its network address */
	const char *origin;		/* of the page that it runs in */
	const char *connection; /* the number of its connection */
	const char *transport;
} ClientAddress;

/*
 * Verifies tokens by these keys from now on, which key_set_read() has returned; takes them over.  Keeps a reference
 * to the configuration: claims are compared with the settings of the moment.  Reads the keys again, and logs it,
 * whenever one of their files has changed.
 */
extern void auth_adopt(const Config *config, KeySet *keys);

/* Reads the keys and adopts them; returns false, after a message on standard error, if they are not good. */
extern bool auth_configure(const Config *config);

/*
 * Checks a token: signature, algorithm, exp, nbf, iat, aud, iss and the user's claim.  If it is good, the caller
 * owns the identity's strings; else *refusal has the reason, and the log a line, one per reason and second.
 */
extern bool auth_verify(const char *token, ClientAddress from, Identity *identity, Refusal *refusal);

/* Counts a refused cookie, and logs it, one line a second. */
extern void auth_log_cookie(const Refusal *refusal, ClientAddress from);

/* Returns whether a text has the form of a token, and there are keys to verify it. */
extern bool auth_is_token(const char *text);

/*
 * Reads the claims that the application has answered for a cookie: the user's claim, and "exp" if there is one.
 * Returns false, with the reason, if they are not good; else the caller owns the identity's strings.
 */
extern bool auth_read_answer(const char *claims, Identity *identity, Refusal *refusal);

#endif /* HERALD_AUTH_H */

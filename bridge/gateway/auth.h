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
	double issued;	 /* seconds since 1970; NAN: unknown */
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

#endif /* HERALD_AUTH_H */

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

/* The user that a good token names. */
typedef struct Identity
{
	char *user;
	char *claims;	 /* JSON */
	int64_t expires; /* seconds since 1970; 0: never */
} Identity;

/* The reason why a token is refused.  Both strings belong to this module; the next auth_adopt() may change them. */
typedef struct Refusal
{
	const char *code;
	const char *message;
} Refusal;

/* The client that shows a token, for the log; either may be NULL when it is unknown. */
typedef struct ClientAddress
{
	const char *peer;	/* its network address */
	const char *origin; /* of the page that it runs in */
} ClientAddress;

/* The secret and the algorithm, as one reading of the settings found them. */
typedef struct AuthSettings AuthSettings;

/*
 * Reads the secret's file and the algorithm.  The caller passes the result to auth_adopt(), or frees it;
 * NULL: the settings are not good, and a message has gone to standard error.
 */
extern AuthSettings *auth_read(const Config *config);

/*
 * Verifies tokens by these settings from now on; takes them over.  Keeps a reference to the configuration: claims
 * are compared with the settings of the moment.  Logs a warning about a secret file that other users can read, and
 * about a secret that ends with blanks or line ends.
 */
extern void auth_adopt(const Config *config, AuthSettings *settings);

/* Reads and adopts the settings; returns false if they are not good. */
extern bool auth_configure(const Config *config);

/*
 * Checks a token: signature, algorithm, exp, nbf, aud, iss and the user's claim.  If it is good, the caller
 * owns the identity's strings; else *refusal has the reason, and the log a line, one per reason and second.
 */
extern bool auth_verify(const char *token, ClientAddress from, Identity *identity, Refusal *refusal);

#endif /* HERALD_AUTH_H */

/*-------------------------------------------------------------------------
 *
 * auth.h
 *	  Whose token is it, and is it good.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_AUTH_H
#define HERALD_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"

/* Who a good token speaks for. */
typedef struct Identity
{
	char *user;
	char *claims;	 /* JSON */
	int64_t expires; /* seconds since 1970; 0: never */
} Identity;

/* Why a token is refused; both strings are constants. */
typedef struct Refusal
{
	const char *code;
	const char *message;
} Refusal;

/* Are these settings good, and is there a secret?  False after a message on standard error. */
extern bool auth_check(const Config *config);

/* Goes by these settings from now on, if they are good. */
extern bool auth_configure(const Config *config);

/*
 * Checks a token: signature, algorithm, exp, nbf, aud, iss and the user's claim.
 * When it is good the caller owns the identity's strings, else *refusal says why.
 */
extern bool auth_verify(const char *token, Identity *identity, Refusal *refusal);

#endif /* HERALD_AUTH_H */

/*-------------------------------------------------------------------------
 *
 * credential.h
 *	  Checks the tokens and cookies of clients, and counts those that are refused.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CREDENTIAL_H
#define HERALD_CREDENTIAL_H

#include "gateway/auth.h"

/* Verifies a token as auth_verify() does.  A refused one counts for the client: refusal->wait has the time to wait. */
extern bool credential_verify(const char *token, ClientAddress from, Identity *identity, Refusal *refusal);

/* Returns the refusal of a cookie for this reason.  It is logged and counts, unless the client is not to blame. */
extern Refusal credential_refuse_cookie(const Refusal *reason, ClientAddress from);

/* Frees the strings of an identity. */
extern void credential_free(Identity *identity);

#endif /* HERALD_CREDENTIAL_H */

/*-------------------------------------------------------------------------
 *
 * credential.c
 *	  Checks the tokens and cookies of clients, and counts those that are refused.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/credential.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/cookie_auth.h"
#include "gateway/limits.h"

static int64_t
count_failed_token(ClientAddress from)
{
	LimitSubject subject = { .session = from.connection, .address = from.peer };

	return limits_take(LIMIT_FAILED_TOKENS, &subject);
}

bool
credential_verify(const char *token, ClientAddress from, Identity *identity, Refusal *refusal)
{
	if (auth_verify(token, from, identity, refusal))
		return true;
	refusal->wait = count_failed_token(from);
	return false;
}

Refusal
credential_refuse_cookie(const Refusal *reason, ClientAddress from)
{
	Refusal refusal = *reason;

	if (reason == &cookie_auth_failed || strncmp(refusal.code, "token_", 6) == 0)
	{
		auth_log_cookie(&refusal, from);
		refusal.wait = count_failed_token(from);
	}
	return refusal;
}

void
credential_free(Identity *identity)
{
	free(identity->user);
	free(identity->claims);
}

/*-------------------------------------------------------------------------
 *
 * auth.c
 *	  Verifies tokens and reads the user from them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/auth.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "gateway/key_set.h"
#include "gateway/token.h"

/* How often the files of keys are looked at. */
#define LOOK_MS 2000

/* A time in seconds that a 64-bit clock in milliseconds does not reach is never. */
#define LATEST 1e15

/* The reasons for which a token is refused. */
typedef enum Fault
{
	TOKEN_GOOD,
	TOKEN_MISSING,
	TOKEN_INVALID,
	TOKEN_WRONG_ALGORITHM,
	TOKEN_UNKNOWN_KEY,
	TOKEN_WRONG_SIGNATURE,
	TOKEN_WITHOUT_EXPIRY,
	TOKEN_WITHOUT_TIME,
	TOKEN_EXPIRED,
	TOKEN_TOO_OLD,
	TOKEN_TOO_EARLY,
	TOKEN_WRONG_AUDIENCE,
	TOKEN_WRONG_ISSUER,
	TOKEN_WITHOUT_USER,
	FAULT_COUNT
} Fault;

static const Refusal token_refusals[FAULT_COUNT] = {
	[TOKEN_MISSING] = { "token_missing", "a token is needed" },
	[TOKEN_INVALID] = { "token_invalid", "the token is malformed" },
	[TOKEN_WRONG_ALGORITHM] = { "token_invalid", "the token is not signed with the expected algorithm" },
	[TOKEN_UNKNOWN_KEY] = { "token_invalid", "the token names a key that is unknown" },
	[TOKEN_WRONG_SIGNATURE] = { "token_invalid", "the token's signature is not valid" },
	[TOKEN_WITHOUT_EXPIRY] = { "token_invalid", "the token never expires: its claim \"exp\" is missing" },
	[TOKEN_WITHOUT_TIME] = { "token_invalid", "the token's age is unknown: its claim \"iat\" is missing" },
	[TOKEN_EXPIRED] = { "token_expired", "the token has expired" },
	[TOKEN_TOO_OLD] = { "token_expired", "the token is too old" },
	[TOKEN_TOO_EARLY] = { "token_not_yet_valid", "the token is not valid yet" },
	[TOKEN_WRONG_AUDIENCE] = { "token_wrong_audience", "the token is for another audience" },
	[TOKEN_WRONG_ISSUER] = { "token_wrong_issuer", "the token is from another issuer" },
	[TOKEN_WITHOUT_USER] = { "token_without_user", NULL }, /* its message is without_user */
};

static struct
{
	const Config *config;
	KeySet *keys;
	Timer look;			/* at the files of keys */
	char *without_user; /* the message names the claim */
	LogLimit log_limits[FAULT_COUNT];
} auth;

static void
look_at_keys(void *unused)
{
	(void) unused;
	timer_start(&auth.look, LOOK_MS, look_at_keys, NULL);
	if (!key_set_has_changed(auth.keys))
		return;
	if (auth_configure(auth.config))
		log_info("keys_read");
	else
		log_error("keys_not_read", "hint", "The reason is in the message above. The former keys remain in force.");
}

void
auth_adopt(const Config *config, KeySet *keys)
{
	assert(keys != NULL);
	key_set_log(keys);
	auth.config = config;
	key_set_free(auth.keys);
	auth.keys = keys;
	free(auth.without_user);
	auth.without_user = memory_format("the token has no user: its claim \"%s\" is missing, empty, or neither text nor integer",
									  config->jwt_user_claim);
	timer_start(&auth.look, LOOK_MS, look_at_keys, NULL);
}

bool
auth_configure(const Config *config)
{
	KeySet *keys = key_set_read(config);

	if (keys != NULL)
		auth_adopt(config, keys);
	return keys != NULL;
}

/* Returns whether the claim is the wanted name, or a list with it. */
static bool
claim_has(const json_t *claim, const char *wanted)
{
	size_t i;
	json_t *one;

	if (json_is_string(claim))
		return strcmp(json_string_value(claim), wanted) == 0;
	json_array_foreach(claim, i, one)
	{
		if (json_is_string(one) && strcmp(json_string_value(one), wanted) == 0)
			return true;
	}
	return false;
}

/* The times that a token states, in seconds since 1970. */
typedef struct TokenTimes
{
	double issued;	   /* NAN: unknown */
	double not_before; /* 0: from the beginning */
	double expires;	   /* INFINITY: never; with the allowance for wrong clocks */
} TokenTimes;

/* Reads the claim of a time into *time, which stays as it is if there is no such claim. */
static bool
read_time(const json_t *claims, const char *name, double *time)
{
	const json_t *claim = json_object_get(claims, name);

	if (claim != NULL)
		*time = json_number_value(claim);
	return claim == NULL || json_is_number(claim);
}

static Fault
read_times(const json_t *claims, TokenTimes *times)
{
	double skew = (double) auth.config->jwt_clock_skew / 1000;
	double max_age = (double) auth.config->jwt_max_age / 1000;

	*times = (TokenTimes){ NAN, 0, INFINITY };
	if (!read_time(claims, "iat", &times->issued) || !read_time(claims, "nbf", &times->not_before) ||
		!read_time(claims, "exp", &times->expires))
		return TOKEN_INVALID;
	if (isinf(times->expires) && !auth.config->allow_tokens_without_expiry)
		return TOKEN_WITHOUT_EXPIRY;
	if (isnan(times->issued) && max_age > 0)
		return TOKEN_WITHOUT_TIME;
	if (max_age > 0 && times->issued + max_age < times->expires)
		times->expires = times->issued + max_age;
	times->expires += skew;
	return TOKEN_GOOD;
}

static Fault
check_times(const json_t *claims, TokenTimes *times)
{
	double now = (double) time(NULL);
	double skew = (double) auth.config->jwt_clock_skew / 1000;
	double expires = INFINITY;
	Fault fault = read_times(claims, times);

	if (fault != TOKEN_GOOD)
		return fault;
	read_time(claims, "exp", &expires);
	if (times->expires <= now)
		return expires + skew <= now ? TOKEN_EXPIRED : TOKEN_TOO_OLD;
	if (times->not_before > now + skew || times->issued > now + skew)
		return TOKEN_TOO_EARLY;
	return TOKEN_GOOD;
}

static Fault
check_names(const json_t *claims)
{
	if (auth.config->jwt_audience[0] && !claim_has(json_object_get(claims, "aud"), auth.config->jwt_audience))
		return TOKEN_WRONG_AUDIENCE;
	if (auth.config->jwt_issuer[0] && !claim_has(json_object_get(claims, "iss"), auth.config->jwt_issuer))
		return TOKEN_WRONG_ISSUER;
	return TOKEN_GOOD;
}

/* The user's id is a text; a number is taken as its text. */
static char *
user_of(const json_t *claims)
{
	const json_t *claim = json_object_get(claims, auth.config->jwt_user_claim);

	if (json_is_string(claim) && json_string_length(claim) > 0)
		return memory_copy(json_string_value(claim));
	if (json_is_integer(claim))
		return memory_format("%" JSON_INTEGER_FORMAT, json_integer_value(claim));
	return NULL;
}

static Fault
read_claims(const json_t *claims, Identity *identity)
{
	TokenTimes times;
	Fault fault = check_times(claims, &times);

	if (fault == TOKEN_GOOD)
		fault = check_names(claims);
	if (fault != TOKEN_GOOD)
		return fault;
	identity->user = user_of(claims);
	if (identity->user == NULL)
		return TOKEN_WITHOUT_USER;
	identity->claims = json_dumps(claims, JSON_COMPACT);
	identity->issued = times.issued;
	identity->expires = times.expires < LATEST ? (int64_t) times.expires : 0;
	return TOKEN_GOOD;
}

/* The claims are not even parsed before the signature has been verified. */
static Fault
verify(const Token *token, Identity *identity)
{
	static const Fault faults[] = {
		[KEY_OF_OTHER_ALGORITHM] = TOKEN_WRONG_ALGORITHM,
		[KEY_UNKNOWN] = TOKEN_UNKNOWN_KEY,
		[KEY_DOES_NOT_MATCH] = TOKEN_WRONG_SIGNATURE,
	};
	KeyMatch match = key_set_verify(auth.keys, token);
	json_t *claims;
	Fault fault;

	if (match != KEY_MATCHES)
		return faults[match];
	claims = token_claims(token);
	fault = claims ? read_claims(claims, identity) : TOKEN_INVALID;
	json_decref(claims);
	return fault;
}

static Fault
decode(const char *text, Identity *identity)
{
	Token token;
	Fault fault;

	if (text == NULL || text[0] == '\0')
		return TOKEN_MISSING;
	fault = token_parse(&token, text) ? verify(&token, identity) : TOKEN_INVALID;
	token_reset(&token);
	return fault;
}

bool
auth_is_token(const char *text)
{
	Token token;
	bool is_token = !key_set_is_empty(auth.keys) && token_parse(&token, text);

	if (!key_set_is_empty(auth.keys))
		token_reset(&token);
	return is_token;
}

static Fault
read_answer(const json_t *claims, Identity *identity)
{
	double expires = INFINITY;

	if (!json_is_object(claims) || !read_time(claims, "exp", &expires))
		return TOKEN_INVALID;
	if (expires <= (double) time(NULL))
		return TOKEN_EXPIRED;
	identity->user = user_of(claims);
	if (identity->user == NULL)
		return TOKEN_WITHOUT_USER;
	identity->claims = json_dumps(claims, JSON_COMPACT);
	identity->issued = INFINITY;
	identity->expires = expires < LATEST ? (int64_t) expires : 0;
	return TOKEN_GOOD;
}

static Refusal
refusal_for(Fault fault)
{
	Refusal refusal = token_refusals[fault];

	if (fault == TOKEN_WITHOUT_USER)
		refusal.message = auth.without_user;
	return refusal;
}

bool
auth_read_answer(const char *text, Identity *identity, Refusal *refusal)
{
	json_t *claims = json_loads(text, 0, NULL);
	Fault fault;

	*identity = (Identity){ 0 };
	fault = read_answer(claims, identity);
	json_decref(claims);
	if (fault != TOKEN_GOOD)
		*refusal = refusal_for(fault);
	return fault == TOKEN_GOOD;
}

static void
log_refusal(LogLimit *limit, const Refusal *refusal, ClientAddress from)
{
	log_limited(limit, LOG_LEVEL_WARNING, "token_refused", "code", refusal->code, "reason", refusal->message, "peer",
				from.peer, "origin", from.origin);
	metrics.authentications_failed++;
}

void
auth_log_cookie(const Refusal *refusal, ClientAddress from)
{
	static LogLimit limit;

	log_refusal(&limit, refusal, from);
}

bool
auth_verify(const char *token, ClientAddress from, Identity *identity, Refusal *refusal)
{
	Fault fault;

	assert(auth.config != NULL);
	*identity = (Identity){ 0 };
	fault = decode(token, identity);
	if (fault == TOKEN_GOOD)
		return true;
	*refusal = refusal_for(fault);
	log_refusal(&auth.log_limits[fault], refusal, from);
	return false;
}

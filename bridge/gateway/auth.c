/*-------------------------------------------------------------------------
 *
 * auth.c
 *	  Whose token is it, and is it good.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/auth.h"

#include <errno.h>
#include <jansson.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/metrics.h"

/* RFC 7518, 3.2: a key of at least the size of the hash; less is a mistake, not a secret. */
#define SHORTEST_SECRET 16
#define LONGEST_SECRET 4096

static const Config *config;
static jwt_alg_t algorithm;
static unsigned char secret[LONGEST_SECRET];
static size_t secret_length = 0;

static bool
find_algorithm(const char *name, jwt_alg_t *found)
{
	*found = strcmp(name, "HS256") == 0 ? JWT_ALG_HS256 :
			 strcmp(name, "HS384") == 0 ? JWT_ALG_HS384 :
			 strcmp(name, "HS512") == 0 ? JWT_ALG_HS512 :
										  JWT_ALG_NONE;
	return *found != JWT_ALG_NONE;
}

/* Reads the file; one line feed at its end does not count. */
static bool
read_secret(const char *path, unsigned char *into, size_t *length)
{
	FILE *file = fopen(path, "rb");

	if (file == NULL)
	{
		fprintf(stderr, "herald-bridge: jwt-secret-file: %s: %s\n", path, strerror(errno));
		return false;
	}
	*length = fread(into, 1, LONGEST_SECRET, file);
	fclose(file);
	if (*length > 0 && into[*length - 1] == '\n')
		(*length)--;
	if (*length >= SHORTEST_SECRET && *length < LONGEST_SECRET)
		return true;
	fprintf(stderr, "herald-bridge: jwt-secret-file: %s holds %s; put %d random bytes or more there (openssl rand -hex 32)\n",
			path, *length == 0 ? "an empty secret" : *length < SHORTEST_SECRET ? "a secret that is too short" :
																				 "too much",
			32);
	return false;
}

/* Reads what the settings say into the caller's variables. */
static bool
read_settings(const Config *settings, jwt_alg_t *wanted, unsigned char *key, size_t *length)
{
	if (settings->jwt_secret_file[0] == '\0')
	{
		fputs("herald-bridge: jwt-secret-file is not set: without it no token can be checked\n", stderr);
		return false;
	}
	if (!find_algorithm(settings->jwt_algorithm, wanted))
	{
		fprintf(stderr, "herald-bridge: jwt-algorithm: \"%s\" is none of HS256, HS384, HS512\n", settings->jwt_algorithm);
		return false;
	}
	return read_secret(settings->jwt_secret_file, key, length);
}

bool
auth_check(const Config *settings)
{
	jwt_alg_t wanted;
	unsigned char key[LONGEST_SECRET];
	size_t length;

	return read_settings(settings, &wanted, key, &length);
}

bool
auth_configure(const Config *settings)
{
	jwt_alg_t wanted;
	unsigned char key[LONGEST_SECRET];
	size_t length;

	if (!read_settings(settings, &wanted, key, &length))
		return false;
	config = settings;
	algorithm = wanted;
	memcpy(secret, key, length);
	secret_length = length;
	return true;
}

static const Refusal missing = { "token_missing", "a token is needed" };
static const Refusal invalid = { "token_invalid", "the token or its signature is not valid" };
static const Refusal wrong_algorithm = { "token_invalid", "the token has another algorithm than is expected" };
static const Refusal expired = { "token_expired", "the token has expired" };
static const Refusal too_early = { "token_not_yet_valid", "the token is not valid yet" };
static const Refusal wrong_audience = { "token_wrong_audience", "the token is for another audience" };
static const Refusal wrong_issuer = { "token_wrong_issuer", "the token is from another issuer" };
static const Refusal no_user = { "token_without_user", "the token names no user" };

/* Is the wanted name the claim, or one of its list? */
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

static const Refusal *
check_claims(const json_t *claims)
{
	const json_t *expires = json_object_get(claims, "exp");
	const json_t *not_before = json_object_get(claims, "nbf");
	double now = (double) time(NULL);

	if ((expires != NULL && !json_is_number(expires)) || (not_before != NULL && !json_is_number(not_before)))
		return &invalid;
	if (expires != NULL && json_number_value(expires) <= now)
		return &expired;
	if (not_before != NULL && json_number_value(not_before) > now)
		return &too_early;
	if (config->jwt_audience[0] && !claim_has(json_object_get(claims, "aud"), config->jwt_audience))
		return &wrong_audience;
	if (config->jwt_issuer[0] && !claim_has(json_object_get(claims, "iss"), config->jwt_issuer))
		return &wrong_issuer;
	return NULL;
}

/* The user's id is a text; a number is taken as its text. */
static char *
user_of(const json_t *claims)
{
	const json_t *claim = json_object_get(claims, config->jwt_user_claim);

	if (json_is_string(claim) && json_string_length(claim) > 0)
		return memory_copy(json_string_value(claim));
	if (json_is_integer(claim))
		return memory_format("%" JSON_INTEGER_FORMAT, json_integer_value(claim));
	return NULL;
}

/* A time that a 64-bit clock in milliseconds does not reach is never. */
static int64_t
expiry_of(const json_t *claims)
{
	double expires = json_number_value(json_object_get(claims, "exp"));

	return expires < 1e15 ? (int64_t) expires : 0;
}

static const Refusal *
read_claims(jwt_t *token, Identity *identity)
{
	char *text = jwt_get_grants_json(token, NULL);
	json_t *claims = text ? json_loads(text, 0, NULL) : NULL;
	const Refusal *why = claims ? check_claims(claims) : &invalid;

	if (why == NULL)
	{
		identity->user = user_of(claims);
		why = identity->user ? NULL : &no_user;
	}
	if (why == NULL)
	{
		identity->claims = json_dumps(claims, JSON_COMPACT);
		identity->expires = expiry_of(claims);
	}
	json_decref(claims);
	free(text);
	return why;
}

/* libjwt verifies by the algorithm that the token names; ours is compared afterwards. */
static const Refusal *
decode(const char *text, Identity *identity)
{
	jwt_t *token = NULL;
	const Refusal *why;

	if (text == NULL || text[0] == '\0')
		return &missing;
	if (jwt_decode(&token, text, secret, (int) secret_length) != 0)
		return &invalid;
	why = jwt_get_alg(token) == algorithm ? read_claims(token, identity) : &wrong_algorithm;
	jwt_free(token);
	return why;
}

bool
auth_verify(const char *token, Identity *identity, Refusal *refusal)
{
	const Refusal *why;

	*identity = (Identity){ 0 };
	why = decode(token, identity);
	if (why == NULL)
		return true;
	metrics.authentications_failed++;
	*refusal = *why;
	return false;
}

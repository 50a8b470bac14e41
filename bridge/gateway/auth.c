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
#include <errno.h>
#include <jansson.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"

/* RFC 7518, 3.2 demands a key of at least the size of the hash; a shorter one is a mistake. */
#define SHORTEST_SECRET 16
#define LONGEST_SECRET 4096

/* The secret and its file's mode, as they were read from the settings. */
struct AuthSettings
{
	jwt_alg_t algorithm;
	unsigned char secret[LONGEST_SECRET];
	size_t secret_length;
	mode_t secret_mode;
};

/* The reasons for which a token is refused. */
typedef enum Fault
{
	TOKEN_GOOD,
	TOKEN_MISSING,
	TOKEN_INVALID,
	TOKEN_WRONG_ALGORITHM,
	TOKEN_EXPIRED,
	TOKEN_TOO_EARLY,
	TOKEN_WRONG_AUDIENCE,
	TOKEN_WRONG_ISSUER,
	TOKEN_WITHOUT_USER,
	FAULT_COUNT
} Fault;

static const Refusal token_refusals[FAULT_COUNT] = {
	[TOKEN_MISSING] = { "token_missing", "a token is needed" },
	[TOKEN_INVALID] = { "token_invalid", "the token or its signature is not valid" },
	[TOKEN_WRONG_ALGORITHM] = { "token_invalid", "the token is not signed with the expected algorithm" },
	[TOKEN_EXPIRED] = { "token_expired", "the token has expired" },
	[TOKEN_TOO_EARLY] = { "token_not_yet_valid", "the token is not valid yet" },
	[TOKEN_WRONG_AUDIENCE] = { "token_wrong_audience", "the token is for another audience" },
	[TOKEN_WRONG_ISSUER] = { "token_wrong_issuer", "the token is from another issuer" },
	[TOKEN_WITHOUT_USER] = { "token_without_user", NULL }, /* its message is without_user */
};

static struct
{
	const Config *config;
	AuthSettings *settings;
	char *without_user; /* the message names the claim */
	LogLimit log_limits[FAULT_COUNT];
} auth;

static bool
find_algorithm(const char *name, jwt_alg_t *found)
{
	*found = strcmp(name, "HS256") == 0 ? JWT_ALG_HS256 :
			 strcmp(name, "HS384") == 0 ? JWT_ALG_HS384 :
			 strcmp(name, "HS512") == 0 ? JWT_ALG_HS512 :
										  JWT_ALG_NONE;
	return *found != JWT_ALG_NONE;
}

/* Reads the file and its mode; returns false with errno set if that fails.  One line feed at the end does not count. */
static bool
read_secret_file(const char *path, AuthSettings *settings)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	bool good;

	if (file == NULL)
		return false;
	settings->secret_length = fread(settings->secret, 1, LONGEST_SECRET, file);
	good = !ferror(file) && fstat(fileno(file), &status) == 0;
	fclose(file);
	if (!good)
		return false;
	settings->secret_mode = status.st_mode;
	if (settings->secret_length > 0 && settings->secret[settings->secret_length - 1] == '\n')
		settings->secret_length--;
	return true;
}

#define SECRET_HINT \
	"The file holds the secret with which the application signs tokens, and the bridge's user can read it. A new secret: " \
	"openssl rand -hex 32"

static bool
read_secret(const char *path, AuthSettings *settings)
{
	const char *fault;

	if (!read_secret_file(path, settings))
	{
		fprintf(stderr, "herald-bridge: jwt-secret-file: %s: %s\n  " SECRET_HINT "\n", path, strerror(errno));
		return false;
	}
	fault = settings->secret_length == 0			  ? "an empty secret" :
			settings->secret_length < SHORTEST_SECRET ? "a secret that is too short" :
			settings->secret_length == LONGEST_SECRET ? "a secret that is too long" :
														NULL;
	if (fault == NULL)
		return true;
	fprintf(stderr, "herald-bridge: jwt-secret-file: %s holds %s; put %d random bytes or more there (openssl rand -hex 32)\n",
			path, fault, 32);
	return false;
}

static bool
read_settings(const Config *config, AuthSettings *settings)
{
	if (config->jwt_secret_file[0] == '\0')
	{
		fputs("herald-bridge: jwt-secret-file is not set: without it no token can be checked\n  " SECRET_HINT "\n", stderr);
		return false;
	}
	if (!find_algorithm(config->jwt_algorithm, &settings->algorithm))
	{
		fprintf(stderr, "herald-bridge: jwt-algorithm: \"%s\" is none of HS256, HS384, HS512\n", config->jwt_algorithm);
		return false;
	}
	return read_secret(config->jwt_secret_file, settings);
}

/* Returns the name of the characters at the secret's end that are there by mistake, or NULL. */
static const char *
stray_ending(const AuthSettings *settings)
{
	switch (settings->secret[settings->secret_length - 1])
	{
		case '\r':
			return "a carriage return";
		case '\n':
			return "more than one line feed";
		case ' ':
		case '\t':
			return "blanks";
		default:
			return NULL;
	}
}

static void
warn_of_secret(const char *path, const AuthSettings *settings)
{
	const char *ending = stray_ending(settings);

	if (ending != NULL)
		log_warning("secret_has_stray_ending", "file", path, "ending", ending, "hint",
					"The ending counts as part of the secret. Write the file without it, unless the signer uses it, too.");
	if (settings->secret_mode & S_IRWXO)
		log_warning("secret_is_not_private", "file", path, "hint",
					"Every user of this machine may open the file. Run: chmod o= FILE");
}

AuthSettings *
auth_read(const Config *config)
{
	AuthSettings *settings = memory_new(sizeof(AuthSettings));

	if (read_settings(config, settings))
		return settings;
	free(settings);
	return NULL;
}

void
auth_adopt(const Config *config, AuthSettings *settings)
{
	assert(settings != NULL && settings->secret_length > 0);
	warn_of_secret(config->jwt_secret_file, settings);
	auth.config = config;
	free(auth.settings);
	auth.settings = settings;
	free(auth.without_user);
	auth.without_user = memory_format("the token has no user: its claim \"%s\" is missing, empty, or neither text nor integer",
									  config->jwt_user_claim);
}

bool
auth_configure(const Config *config)
{
	AuthSettings *settings = auth_read(config);

	if (settings != NULL)
		auth_adopt(config, settings);
	return settings != NULL;
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

static Fault
check_claims(const json_t *claims)
{
	const json_t *expires = json_object_get(claims, "exp");
	const json_t *not_before = json_object_get(claims, "nbf");
	double now = (double) time(NULL);

	if ((expires != NULL && !json_is_number(expires)) || (not_before != NULL && !json_is_number(not_before)))
		return TOKEN_INVALID;
	if (expires != NULL && json_number_value(expires) <= now)
		return TOKEN_EXPIRED;
	if (not_before != NULL && json_number_value(not_before) > now)
		return TOKEN_TOO_EARLY;
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

/* A time that a 64-bit clock in milliseconds does not reach is never. */
static int64_t
expiry_of(const json_t *claims)
{
	double expires = json_number_value(json_object_get(claims, "exp"));

	return expires < 1e15 ? (int64_t) expires : 0;
}

static Fault
read_claims(jwt_t *token, Identity *identity)
{
	char *text = jwt_get_grants_json(token, NULL);
	json_t *claims = text ? json_loads(text, 0, NULL) : NULL;
	Fault fault = claims ? check_claims(claims) : TOKEN_INVALID;

	if (fault == TOKEN_GOOD)
	{
		identity->user = user_of(claims);
		fault = identity->user ? TOKEN_GOOD : TOKEN_WITHOUT_USER;
	}
	if (fault == TOKEN_GOOD)
	{
		identity->claims = json_dumps(claims, JSON_COMPACT);
		identity->expires = expiry_of(claims);
	}
	json_decref(claims);
	free(text);
	return fault;
}

/* libjwt verifies by the algorithm that the token names; ours is compared afterwards. */
static Fault
decode(const char *text, Identity *identity)
{
	jwt_t *token = NULL;
	Fault fault;

	if (text == NULL || text[0] == '\0')
		return TOKEN_MISSING;
	if (jwt_decode(&token, text, auth.settings->secret, (int) auth.settings->secret_length) != 0)
		return TOKEN_INVALID;
	fault = jwt_get_alg(token) == auth.settings->algorithm ? read_claims(token, identity) : TOKEN_WRONG_ALGORITHM;
	jwt_free(token);
	return fault;
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
	metrics.authentications_failed++;
	*refusal = token_refusals[fault];
	if (fault == TOKEN_WITHOUT_USER)
		refusal->message = auth.without_user;
	log_limited(&auth.log_limits[fault], LOG_LEVEL_WARNING, "token_refused", "code", refusal->code,
				"reason", refusal->message, "peer", from.peer, "origin", from.origin);
	return false;
}

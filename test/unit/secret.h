/*-------------------------------------------------------------------------
 *
 * secret.h
 *	  Gives the bridge a secret, and signs tokens with it: for unit tests and harnesses of fuzzing.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TEST_SECRET_H
#define HERALD_TEST_SECRET_H

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/auth.h"
#include "sign.h"

#define SECRET "a secret of more than thirty-two bytes"

/* Settings of tokens that the secret signs; the file is there while secret_configure() runs. */
static char secret_path[64];
#define SECRET_SETTINGS \
	.jwt_secret_file = secret_path, .jwt_key_file = "", .jwt_algorithm = "", .jwt_issuer = "", .jwt_user_claim = "sub", \
	.session_cookie = ""

/* Lets the bridge read the secret.  Returns whether it accepts the settings. */
static inline bool
secret_configure(const Config *config)
{
	FILE *file;
	bool good;

	snprintf(secret_path, sizeof(secret_path), "/tmp/herald-secret.%d", (int) getpid());
	file = fopen(secret_path, "w");
	if (file == NULL)
		return false;
	fputs(SECRET, file);
	fclose(file);
	good = auth_configure(config);
	unlink(secret_path);
	return good;
}

/* Returns a token with these claims, which the caller frees. */
static inline char *
secret_sign(const char *claims)
{
	return sign_by_secret("{\"alg\":\"HS256\"}", claims, "SHA256", SECRET, strlen(SECRET));
}

#endif /* HERALD_TEST_SECRET_H */

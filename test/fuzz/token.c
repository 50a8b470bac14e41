/*-------------------------------------------------------------------------
 *
 * token.c
 *	  Verifies tokens: any text, and any claims with a good signature.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "gateway/auth.h"
#include "sign.h"

#define SECRET "a secret of more than thirty-two bytes"

static char secret_path[64];
static Config config = {
	.jwt_secret_file = secret_path,
	.jwt_key_file = "",
	.jwt_algorithm = "",
	.jwt_audience = "app",
	.jwt_issuer = "",
	.jwt_user_claim = "sub",
	.session_cookie = "",
};

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	FILE *file;

	(void) count;
	(void) arguments;
	fuzz_silence();
	snprintf(secret_path, sizeof(secret_path), "/tmp/herald-secret.%d", (int) getpid());
	file = fopen(secret_path, "w");
	fputs(SECRET, file);
	fclose(file);
	REQUIRE(auth_configure(&config));
	unlink(secret_path);
	return 0;
}

static void
verify(const char *token, const char *claims)
{
	Identity identity;
	Refusal refusal;

	if (!auth_verify(token, (ClientAddress){ NULL, NULL, NULL }, &identity, &refusal))
	{
		REQUIRE(refusal.code != NULL && refusal.message != NULL);
		return;
	}
	REQUIRE(claims != NULL && identity.user[0] != '\0'); /* nobody guesses a signature */
	free(identity.user);
	free(identity.claims);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = fuzz_text(bytes, length);
	char *token = sign_by_secret("{\"alg\":\"HS256\"}", text, "SHA256", SECRET, strlen(SECRET));

	verify(text, NULL);
	verify(token, text);
	free(token);
	free(text);
	return 0;
}

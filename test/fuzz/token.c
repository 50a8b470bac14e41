/*-------------------------------------------------------------------------
 *
 * token.c
 *	  Verifies tokens: any text, and any claims with a good signature.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fuzz.h"
#include "secret.h"

static Config config = {
	.jwt_audience = "app",
	SECRET_SETTINGS,
};

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void) count;
	(void) arguments;
	fuzz_silence();
	REQUIRE(secret_configure(&config));
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
	char *token = secret_sign(text);

	verify(text, NULL);
	verify(token, text);
	free(token);
	free(text);
	return 0;
}

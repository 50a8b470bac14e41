/*-------------------------------------------------------------------------
 *
 * signature.c
 *	  Verifies tokens of each algorithm, whose headers name another one, or that were changed after they were signed.
 *
 * The first two bytes of the input choose a token, and each three further ones a place in it and a change of its byte.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "gateway/auth.h"
#include "keys.h"

#define CLAIMS "{\"sub\":\"7\",\"exp\":4102444800}"

/* A token that one key has signed, and whose header names the algorithm of another one, or of the same. */
typedef struct SignedToken
{
	char *text;
	bool good;
} SignedToken;

static char path[64];
static Config config = { .jwt_secret_file = "", .jwt_key_file = path, .jwt_algorithm = "", .jwt_audience = "", .jwt_issuer = "", .jwt_user_claim = "sub", .session_cookie = "" };
static SignedToken tokens[SIGNING_KEYS][SIGNING_KEYS][2];

static void
make_token(size_t signer, size_t named, bool has_kid)
{
	const char *name = signing_keys[named].name;
	char *kid = has_kid ? memory_format(",\"kid\":\"%zu\"", signer) : memory_copy("");
	char *header = memory_format("{\"alg\":\"%s\"%s}", name, kid);
	SignedToken *token = &tokens[signer][named][has_kid];

	token->text = keys_sign(signer, header, CLAIMS);
	token->good = strcmp(name, signing_keys[signer].name) == 0;
	free(header);
	free(kid);
}

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	char *set;
	FILE *file;

	(void) count;
	(void) arguments;
	fuzz_silence();
	keys_make();
	snprintf(path, sizeof(path), "/tmp/herald-keys.%d", (int) getpid());
	file = fopen(path, "w");
	set = keys_describe_all();
	fputs(set, file);
	free(set);
	fclose(file);
	REQUIRE(auth_configure(&config));
	unlink(path);
	for (size_t signer = 0; signer < SIGNING_KEYS; signer++)
	{
		for (size_t named = 0; named < SIGNING_KEYS; named++)
		{
			make_token(signer, named, false);
			make_token(signer, named, true);
		}
	}
	return 0;
}

static bool
is_accepted(const char *text)
{
	Identity identity;
	Refusal refusal;
	bool accepted = auth_verify(text, (ClientAddress){ 0 }, &identity, &refusal);

	if (!accepted)
	{
		REQUIRE(refusal.code != NULL && refusal.message != NULL);
		return false;
	}
	REQUIRE(strcmp(identity.user, "7") == 0);
	free(identity.user);
	free(identity.claims);
	return true;
}

/* A token is accepted if its own algorithm has signed it, and not a byte of it has changed. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const SignedToken *token;
	char *text;
	size_t size;

	if (length < 2)
		return 0;
	token = &tokens[bytes[0] % SIGNING_KEYS][bytes[1] % SIGNING_KEYS][bytes[1] >> 7];
	size = strlen(token->text);
	text = fuzz_copy((const uint8_t *) token->text, size + 1);
	for (size_t at = 2; at + 3 <= length; at += 3)
		text[((size_t) bytes[at] << 8 | bytes[at + 1]) % size] ^= (char) bytes[at + 2];
	REQUIRE(is_accepted(text) == (token->good && strcmp(text, token->text) == 0));
	free(text);
	return 0;
}

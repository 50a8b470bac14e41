/*-------------------------------------------------------------------------
 *
 * key_set.c
 *	  Reads files of keys: JSON Web Key Sets, and public keys in PEM.
 *
 * A "$" and a letter in the input stand for a good key: $a is that of the first algorithm.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <unistd.h>

#include "fuzz.h"
#include "gateway/key.h"
#include "gateway/key_set.h"
#include "keys.h"

#define CLAIMS "{\"sub\":\"7\"}"

/* A check of one takes OpenSSL about a millisecond. */
#define MOST_GOOD_KEYS 3

static char path[64];
static char path_with_id[80];
static Config config = { .jwt_secret_file = "", .jwt_key_file = path, .jwt_algorithm = "", .session_cookie = "" };
static char *descriptions[SIGNING_KEYS];
static char *tokens[SIGNING_KEYS];

/* Messages about files go to standard error, and so do the reports of sanitizers and of libFuzzer, but by a number. */
int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void) count;
	(void) arguments;
	fuzz_silence();
	keys_make();
	snprintf(path, sizeof(path), "/tmp/herald-key-set.%d", (int) getpid());
	snprintf(path_with_id, sizeof(path_with_id), "file=%s", path);
	for (size_t i = 0; i < SIGNING_KEYS; i++)
	{
		char *header = memory_format("{\"alg\":\"%s\",\"kid\":\"%zu\"}", signing_keys[i].name, i);

		descriptions[i] = keys_describe(i);
		tokens[i] = keys_sign(i, header, CLAIMS);
		free(header);
	}
	stderr = fopen("/dev/null", "w");
	return 0;
}

/* Returns the input with its good keys; *holds tells which. */
static char *
expand(const uint8_t *bytes, size_t length, bool holds[SIGNING_KEYS])
{
	char *text = memory_new(length + MOST_GOOD_KEYS * 1000 + 1);
	size_t size = 0;
	int expanded = 0;

	for (size_t i = 0; i < length && bytes[i] != '\0'; i++)
	{
		size_t number = i + 1 < length ? (size_t) (bytes[i + 1] - 'a') : SIGNING_KEYS;

		if (bytes[i] != '$' || number >= SIGNING_KEYS || ++expanded > MOST_GOOD_KEYS)
		{
			text[size++] = (char) bytes[i];
			continue;
		}
		size += (size_t) sprintf(text + size, "%s", descriptions[number]);
		holds[number] = true;
		i++;
	}
	text[size] = '\0';
	return text;
}

static KeyMatch
verify(const KeySet *keys, const char *text)
{
	Token token;
	KeyMatch match;

	REQUIRE(token_parse(&token, text));
	match = key_set_verify(keys, &token);
	token_reset(&token);
	return match;
}

/* Requires that the set verifies no token but those of its keys: above all none that its own text has signed. */
static void
try_set(const KeySet *keys, const char *text, const bool holds[SIGNING_KEYS])
{
	char *forged = sign_by_secret("{\"alg\":\"HS256\"}", CLAIMS, "SHA256", text, strlen(text));

	for (size_t i = 0; i < SIGNING_KEYS; i++)
		REQUIRE(verify(keys, tokens[i]) != KEY_MATCHES || holds[i]);
	REQUIRE(verify(keys, forged) != KEY_MATCHES);
	free(forged);
}

/* Requires that a single key is bound to an algorithm, and long enough. */
static void
try_key(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *reason = NULL;
	Key key = { 0 };

	if (json_is_object(json) && key_from_json(&key, json, "", &reason))
	{
		REQUIRE(key.algorithm != NULL && key.material != NULL);
		REQUIRE(!EVP_PKEY_is_a(key.material, "RSA") || EVP_PKEY_get_bits(key.material) >= KEY_SHORTEST_RSA);
		REQUIRE(key.secret == EVP_PKEY_is_a(key.material, "HMAC"));
	}
	else
		REQUIRE(!json_is_object(json) || reason != NULL);
	key_reset(&key);
	json_decref(json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	bool holds[SIGNING_KEYS] = { false };
	char *text = expand(bytes, length, holds);
	FILE *file = fopen(path, "w");
	KeySet *keys;

	REQUIRE(file != NULL);
	fputs(text, file);
	fclose(file);
	try_key(text);
	config.jwt_key_file = length % 2 ? path : path_with_id;
	keys = key_set_read(&config);
	if (keys != NULL)
	{
		REQUIRE(!key_set_is_empty(keys) && !key_set_has_changed(keys));
		try_set(keys, text, holds);
	}
	key_set_free(keys);
	free(text);
	unlink(path);
	return 0;
}

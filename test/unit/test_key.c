/*-------------------------------------------------------------------------
 *
 * test_key.c
 *	  A key verifies the signatures of its own algorithm, and no others.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/core_names.h>

#include "gateway/key.h"
#include "sign.h"

#define CLAIMS "{\"sub\":\"42\"}"
#define SECRET "0123456789abcdef0123456789abcdef"

static EVP_PKEY *rsa, *p256, *p384, *p521, *ed25519, *ed448;

/* How each algorithm signs. */
static struct
{
	const char *name;
	EVP_PKEY **key; /* NULL: SECRET */
	const char *digest;
	bool pss;
} signers[] = {
	{ "HS256", NULL, "SHA256", false },
	{ "HS384", NULL, "SHA384", false },
	{ "HS512", NULL, "SHA512", false },
	{ "RS256", &rsa, "SHA256", false },
	{ "RS384", &rsa, "SHA384", false },
	{ "RS512", &rsa, "SHA512", false },
	{ "PS256", &rsa, "SHA256", true },
	{ "PS384", &rsa, "SHA384", true },
	{ "PS512", &rsa, "SHA512", true },
	{ "ES256", &p256, "SHA256", false },
	{ "ES384", &p384, "SHA384", false },
	{ "ES512", &p521, "SHA512", false },
	{ "EdDSA", &ed25519, NULL, false },
	{ "EdDSA", &ed448, NULL, false },
};

#define SIGNERS ((int) (sizeof(signers) / sizeof(*signers)))

static int
begin(void **state)
{
	(void) state;
	rsa = EVP_RSA_gen(2048);
	p256 = EVP_EC_gen("P-256");
	p384 = EVP_EC_gen("P-384");
	p521 = EVP_EC_gen("P-521");
	ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ed448 = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	return rsa && p256 && p384 && p521 && ed25519 && ed448 ? 0 : -1;
}

static int
end(void **state)
{
	EVP_PKEY *keys[] = { rsa, p256, p384, p521, ed25519, ed448 };

	(void) state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		EVP_PKEY_free(keys[i]);
	return 0;
}

/* Signs as one algorithm does, in the name of another. */
static char *
signed_as(int signer, const char *name)
{
	char *header = memory_format("{\"alg\":\"%s\"}", name);
	EVP_PKEY **key = signers[signer].key;
	const char *digest = signers[signer].digest;
	char *token;

	if (key == NULL)
		token = sign_by_secret(header, CLAIMS, digest, SECRET, strlen(SECRET));
	else
		token = sign_by_key(header, CLAIMS, digest, signers[signer].pss, *key);
	free(header);
	return token;
}

static Key
key_of(int signer)
{
	Key key;
	const char *reason = "";
	bool good;

	if (signers[signer].key == NULL)
		good = key_from_secret(&key, SECRET, strlen(SECRET), signers[signer].name, &reason);
	else
	{
		EVP_PKEY_up_ref(*signers[signer].key);
		good = key_from_material(&key, *signers[signer].key, signers[signer].name, &reason);
	}
	if (!good)
		fail_msg("%s: %s", signers[signer].name, reason);
	return key;
}

/* Takes over the text. */
static bool
accepted(const Key *key, char *text)
{
	Token token;
	bool good = token_parse(&token, text) && key_suits(key, &token) && key_verifies(key, &token);

	token_reset(&token);
	free(text);
	return good;
}

static void
verifies_each_algorithm_with_its_own_key_only(void **state)
{
	(void) state;
	for (int k = 0; k < SIGNERS; k++)
	{
		Key key = key_of(k);

		for (int s = 0; s < SIGNERS; s++)
		{
			for (int n = 0; n < SIGNERS; n++)
			{
				bool right = s == k && strcmp(signers[n].name, signers[k].name) == 0;

				if (accepted(&key, signed_as(s, signers[n].name)) != right)
					fail_msg("key %s, signature %s, name %s: %s", signers[k].name, signers[s].name, signers[n].name,
							 right ? "refused" : "accepted");
			}
		}
		assert_false(accepted(&key, signed_as(k, "none")));
		key_reset(&key);
	}
}

static void
refuses_changed_signatures_and_texts(void **state)
{
	(void) state;
	for (int k = 0; k < SIGNERS; k++)
	{
		Key key = key_of(k);
		char *token = signed_as(k, signers[k].name);
		char *dot = strrchr(token, '.');
		char *other = memory_copy(token);

		other[dot - token + 5] = other[dot - token + 5] == 'A' ? 'B' : 'A';
		assert_false(accepted(&key, other));
		assert_false(accepted(&key, memory_copy_bytes(token, (size_t) (dot - token) + 1)));
		assert_false(accepted(&key, memory_copy_bytes(token, strlen(token) - 4)));
		assert_false(accepted(&key, memory_format("%sAAAA", token)));
		*dot = '\0';
		assert_false(accepted(&key, memory_format("%sAA.%s", token, dot + 1)));
		free(token);
		key_reset(&key);
	}
}

/* CVE-2022-21449: numbers that are zero satisfy the equation of ECDSA. */
static void
refuses_signatures_of_zeros(void **state)
{
	static const unsigned char zeros[132];

	(void) state;
	for (int k = 0; k < SIGNERS; k++)
	{
		Key key = key_of(k);
		char *header = memory_format("{\"alg\":\"%s\"}", signers[k].name);

		for (size_t length = 0; length <= sizeof(zeros); length++)
			assert_false(accepted(&key, sign_join(sign_content(header, CLAIMS), zeros, length)));
		free(header);
		key_reset(&key);
	}
}

static char *
encoded_number(EVP_PKEY *key, const char *name, int size)
{
	BIGNUM *number = NULL;
	unsigned char bytes[512];
	int length;

	EVP_PKEY_get_bn_param(key, name, &number);
	length = size > 0 ? size : BN_num_bytes(number);
	BN_bn2binpad(number, bytes, length);
	BN_free(number);
	return sign_encode(bytes, (size_t) length);
}

/* Returns the JSON Web Key of a signer. */
static char *
json_of(int signer, const char *more)
{
	EVP_PKEY *key = signers[signer].key ? *signers[signer].key : NULL;
	bool is_rsa = key == rsa;
	int size = key == p256 ? 32 : key == p384 ? 48 :
												66;
	unsigned char raw[64];
	size_t length = sizeof(raw);
	char *x;
	char *y = NULL;
	char *json;

	if (key == NULL)
		x = sign_encode(SECRET, strlen(SECRET));
	else if (EVP_PKEY_get_raw_public_key(key, raw, &length) == 1)
		x = sign_encode(raw, length);
	else
	{
		x = encoded_number(key, is_rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X, is_rsa ? 0 : size);
		y = encoded_number(key, is_rsa ? OSSL_PKEY_PARAM_RSA_E : OSSL_PKEY_PARAM_EC_PUB_Y, is_rsa ? 0 : size);
	}
	json = key == NULL ? memory_format("{\"kty\":\"oct\",\"k\":\"%s\"%s}", x, more) :
		   y == NULL   ? memory_format("{\"kty\":\"OKP\",\"crv\":\"%s\",\"x\":\"%s\"%s}", key == ed448 ? "Ed448" : "Ed25519", x, more) :
		   is_rsa	   ? memory_format("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}", x, y, more) :
						 memory_format("{\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%s\",\"y\":\"%s\"%s}", size == 66 ? 521 : size * 8, x, y, more);
	free(x);
	free(y);
	return json;
}

static bool
read_json(Key *key, const char *text, const char *permitted, const char **reason)
{
	json_t *json = json_loads(text, 0, NULL);
	bool good = key_from_json(key, json, permitted, reason);

	json_decref(json);
	return good;
}

static void
reads_json_web_keys(void **state)
{
	(void) state;
	for (int k = 0; k < SIGNERS; k++)
	{
		char *more = memory_format(",\"kid\":\"one\",\"use\":\"sig\",\"key_ops\":[\"sign\",\"verify\"],\"alg\":\"%s\"", signers[k].name);
		char *text = json_of(k, more);
		Key key;
		const char *reason = "";

		if (!read_json(&key, text, "", &reason))
			fail_msg("%s: %s", text, reason);
		assert_string_equal(key.id, "one");
		assert_true(accepted(&key, signed_as(k, signers[k].name)));
		key_reset(&key);
		free(text);
		free(more);
	}
}

/* Takes over the text. */
static void
is_left_out(char *text, const char *permitted, const char *wanted)
{
	Key key;
	const char *reason = "";

	if (read_json(&key, text, permitted, &reason))
		fail_msg("%s is used", text);
	if (strstr(reason, wanted) == NULL)
		fail_msg("%s: %s", text, reason);
	key_reset(&key);
	free(text);
}

static void
leaves_out_json_web_keys_that_it_cannot_use(void **state)
{
	enum
	{
		SECRET_KEY = 0,
		RSA_KEY = 3,
		P256_KEY = 9,
		ED_KEY = 12
	};

	(void) state;
	is_left_out(json_of(RSA_KEY, ",\"use\":\"enc\""), "", "not for signatures");
	is_left_out(json_of(RSA_KEY, ",\"key_ops\":[\"encrypt\"]"), "", "not for signatures");
	is_left_out(json_of(RSA_KEY, ",\"alg\":\"HS256\""), "", "algorithm");
	is_left_out(json_of(RSA_KEY, ",\"alg\":\"RSA-OAEP\""), "", "algorithm");
	is_left_out(json_of(RSA_KEY, ",\"alg\":\"none\""), "", "algorithm");
	is_left_out(json_of(RSA_KEY, ",\"alg\":7"), "", "alg");
	is_left_out(json_of(RSA_KEY, ",\"alg\":\"RS256\""), "PS256 ES256", "algorithm");
	is_left_out(json_of(RSA_KEY, ""), "ES256 HS256", "algorithm");
	is_left_out(json_of(RSA_KEY, ",\"kid\":7"), "", "kid");
	is_left_out(json_of(SECRET_KEY, ",\"alg\":\"RS256\""), "", "algorithm");
	is_left_out(json_of(P256_KEY, ",\"alg\":\"ES384\""), "", "algorithm");
	is_left_out(json_of(ED_KEY, ",\"alg\":\"ES256\""), "", "algorithm");
	is_left_out(memory_copy("{}"), "", "type");
	is_left_out(memory_copy("[]"), "", "type");
	is_left_out(memory_copy("{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}"), "", "short");
	is_left_out(memory_copy("{\"kty\":\"oct\",\"k\":\"\"}"), "", "empty");
	is_left_out(memory_copy("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}"), "", "2048");
	is_left_out(memory_copy("{\"kty\":\"RSA\",\"n\":\"AQAB\"}"), "", "malformed");
	is_left_out(memory_copy("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}"), "", "malformed");
	is_left_out(memory_copy("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
							"\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}"),
				"", "malformed"); /* not on the curve */
	is_left_out(memory_copy("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"}"), "", "malformed");
	is_left_out(memory_copy("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}"), "", "malformed");
}

static void
chooses_the_first_permitted_algorithm_that_suits(void **state)
{
	static const struct
	{
		int signer;
		const char *permitted;
		const char *wanted;
	} cases[] = { { 0, "", "HS256" }, { 3, "", "RS256" }, { 9, "", "ES256" }, { 10, "", "ES384" }, { 12, "", "EdDSA" }, { 3, "HS256 PS384 RS256", "PS384" }, { 0, "RS256 HS512", "HS512" } };

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		char *text = json_of(cases[i].signer, "");
		Key key;
		const char *reason = "";
		Token token = { .algorithm = cases[i].wanted };

		assert_true(read_json(&key, text, cases[i].permitted, &reason));
		assert_true(key_has_algorithm(&key, &token));
		key_reset(&key);
		free(text);
	}
	assert_true(key_algorithms_are_known("") && key_algorithms_are_known("EdDSA HS256") && key_algorithms_are_known(KEY_ALGORITHMS));
	assert_false(key_algorithms_are_known("none") || key_algorithms_are_known("HS256 HS257") || key_algorithms_are_known("HS"));
}

static void
serves_tokens_that_name_it_or_none(void **state)
{
	Key key = key_of(0);

	(void) state;
	assert_true(key_suits(&key, &(Token){ .algorithm = "HS256", .key_id = "other" }));
	key.id = memory_copy("one");
	assert_true(key_suits(&key, &(Token){ .algorithm = "HS256", .key_id = "one" }));
	assert_true(key_suits(&key, &(Token){ .algorithm = "HS256" }));
	assert_false(key_suits(&key, &(Token){ .algorithm = "HS256", .key_id = "On" }));
	assert_false(key_suits(&key, &(Token){ .algorithm = "HS384", .key_id = "one" }));
	key_reset(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies_each_algorithm_with_its_own_key_only),
		cmocka_unit_test(refuses_changed_signatures_and_texts),
		cmocka_unit_test(refuses_signatures_of_zeros),
		cmocka_unit_test(reads_json_web_keys),
		cmocka_unit_test(leaves_out_json_web_keys_that_it_cannot_use),
		cmocka_unit_test(chooses_the_first_permitted_algorithm_that_suits),
		cmocka_unit_test(serves_tokens_that_name_it_or_none),
	};

	return cmocka_run_group_tests_name("key", tests, begin, end);
}

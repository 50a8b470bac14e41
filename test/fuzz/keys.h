/*-------------------------------------------------------------------------
 *
 * keys.h
 *	  Makes a key for each algorithm of tokens, and describes it as a JSON Web Key.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FUZZ_KEYS_H
#define HERALD_FUZZ_KEYS_H

#include <openssl/core_names.h>

#include "fuzz.h"
#include "sign.h"

#define KEYS_SECRET "a secret of more than thirty-two bytes"

/* An algorithm, and the key that signs by it. */
typedef struct SigningKey
{
	const char *name;
	const char *type;	/* of a JSON Web Key */
	const char *curve;	/* of the same; NULL: it has none */
	const char *digest; /* of OpenSSL; NULL: a part of the algorithm */
	bool pss;
	EVP_PKEY *material; /* NULL: KEYS_SECRET */
} SigningKey;

static SigningKey signing_keys[] = {
	{ "HS256", "oct", NULL, "SHA256", false, NULL },
	{ "HS384", "oct", NULL, "SHA384", false, NULL },
	{ "HS512", "oct", NULL, "SHA512", false, NULL },
	{ "RS256", "RSA", NULL, "SHA256", false, NULL },
	{ "RS384", "RSA", NULL, "SHA384", false, NULL },
	{ "RS512", "RSA", NULL, "SHA512", false, NULL },
	{ "PS256", "RSA", NULL, "SHA256", true, NULL },
	{ "PS384", "RSA", NULL, "SHA384", true, NULL },
	{ "PS512", "RSA", NULL, "SHA512", true, NULL },
	{ "ES256", "EC", "P-256", "SHA256", false, NULL },
	{ "ES384", "EC", "P-384", "SHA384", false, NULL },
	{ "ES512", "EC", "P-521", "SHA512", false, NULL },
	{ "EdDSA", "OKP", "Ed25519", NULL, false, NULL },
	{ "EdDSA", "OKP", "Ed448", NULL, false, NULL },
};

#define SIGNING_KEYS (sizeof(signing_keys) / sizeof(*signing_keys))

/* Makes all keys.  Those of RSA share their material, so that nothing but the algorithm distinguishes them. */
static inline void
keys_make(void)
{
	EVP_PKEY *rsa = EVP_RSA_gen(2048);

	for (size_t i = 0; i < SIGNING_KEYS; i++)
	{
		SigningKey *key = &signing_keys[i];

		if (strcmp(key->type, "RSA") == 0)
			key->material = rsa;
		else if (strcmp(key->type, "EC") == 0)
			key->material = EVP_EC_gen(key->curve);
		else if (strcmp(key->type, "OKP") == 0)
			key->material = EVP_PKEY_Q_keygen(NULL, NULL, key->curve);
		REQUIRE(key->material != NULL || strcmp(key->type, "oct") == 0);
	}
}

/* Returns a member of a JSON Web Key: a number in base64url, with as many bytes as its curve has, if it has one. */
static inline char *
keys_number(const SigningKey *key, const char *member, const char *parameter)
{
	unsigned char bytes[512];
	BIGNUM *number = NULL;
	int length;
	char *encoded;
	char *text;

	REQUIRE(EVP_PKEY_get_bn_param(key->material, parameter, &number) == 1);
	length = key->curve != NULL ? (EVP_PKEY_get_bits(key->material) + 7) / 8 : BN_num_bytes(number);
	REQUIRE(BN_bn2binpad(number, bytes, length) == length);
	encoded = sign_encode(bytes, (size_t) length);
	text = memory_format(",\"%s\":\"%s\"", member, encoded);
	BN_free(number);
	free(encoded);
	return text;
}

/* Returns the members that hold the key itself. */
static inline char *
keys_material(const SigningKey *key)
{
	bool is_rsa = strcmp(key->type, "RSA") == 0;
	unsigned char bytes[64];
	size_t length = sizeof(bytes);
	char *first;
	char *second;
	char *text;

	if (is_rsa || strcmp(key->type, "EC") == 0)
	{
		first = keys_number(key, is_rsa ? "n" : "x", is_rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X);
		second = keys_number(key, is_rsa ? "e" : "y", is_rsa ? OSSL_PKEY_PARAM_RSA_E : OSSL_PKEY_PARAM_EC_PUB_Y);
		text = memory_format("%s%s", first, second);
		free(second);
	}
	else if (key->material == NULL)
	{
		first = sign_encode(KEYS_SECRET, strlen(KEYS_SECRET));
		text = memory_format(",\"k\":\"%s\"", first);
	}
	else
	{
		REQUIRE(EVP_PKEY_get_raw_public_key(key->material, bytes, &length) == 1);
		first = sign_encode(bytes, length);
		text = memory_format(",\"x\":\"%s\"", first);
	}
	free(first);
	return text;
}

/* Returns a key as a JSON Web Key, whose "kid" is its number. */
static inline char *
keys_describe(size_t number)
{
	const SigningKey *key = &signing_keys[number];
	char *material = keys_material(key);
	char *curve = key->curve ? memory_format(",\"crv\":\"%s\"", key->curve) : memory_copy("");
	char *text = memory_format("{\"kty\":\"%s\",\"kid\":\"%zu\",\"alg\":\"%s\"%s%s}", key->type, number, key->name, curve, material);

	free(material);
	free(curve);
	return text;
}

/* Returns all keys as a JSON Web Key Set. */
static inline char *
keys_describe_all(void)
{
	char *list = memory_copy("");
	char *set;

	for (size_t i = 0; i < SIGNING_KEYS; i++)
	{
		char *key = keys_describe(i);
		char *longer = memory_format("%s%s%s", list, i > 0 ? "," : "", key);

		free(key);
		free(list);
		list = longer;
	}
	set = memory_format("{\"keys\":[%s]}", list);
	free(list);
	return set;
}

/* Signs by a key. */
static inline char *
keys_sign(size_t number, const char *header, const char *claims)
{
	const SigningKey *key = &signing_keys[number];

	if (key->material == NULL)
		return sign_by_secret(header, claims, key->digest, KEYS_SECRET, strlen(KEYS_SECRET));
	return sign_by_key(header, claims, key->digest, key->pss, key->material);
}

#endif /* HERALD_FUZZ_KEYS_H */

/*-------------------------------------------------------------------------
 *
 * key.c
 *	  Keys that verify signatures of tokens (RFC 7515, RFC 7517, RFC 7518).
 *
 * OpenSSL does the cryptography.  Its queue of errors is one for the whole process, and TLS reads it: each function
 * here that can leave an error there clears it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/key.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/base64url.h"

/* The largest signature: of RSA with 16384 bits.  OpenSSL verifies with no larger modulus. */
#define LARGEST_SIGNATURE 2048

typedef struct KeyAlgorithm
{
	const char *name;
	const char *type;	/* of OpenSSL's key */
	const char *curve;	/* OpenSSL's name of the curve; NULL: the type has none, or implies it */
	const char *digest; /* NULL: a part of the algorithm */
	bool pss;			/* the padding of RSA: PSS, or that of PKCS #1 1.5 */
} KeyAlgorithm;

static const KeyAlgorithm algorithms[] = {
	{ "HS256", "HMAC", NULL, "SHA256", false },
	{ "HS384", "HMAC", NULL, "SHA384", false },
	{ "HS512", "HMAC", NULL, "SHA512", false },
	{ "RS256", "RSA", NULL, "SHA256", false },
	{ "RS384", "RSA", NULL, "SHA384", false },
	{ "RS512", "RSA", NULL, "SHA512", false },
	{ "PS256", "RSA", NULL, "SHA256", true },
	{ "PS384", "RSA", NULL, "SHA384", true },
	{ "PS512", "RSA", NULL, "SHA512", true },
	{ "ES256", "EC", "prime256v1", "SHA256", false },
	{ "ES384", "EC", "secp384r1", "SHA384", false },
	{ "ES512", "EC", "secp521r1", "SHA512", false },
	{ "EdDSA", "ED25519", NULL, NULL, false },
	{ "EdDSA", "ED448", NULL, NULL, false },
};

#define ALGORITHMS (sizeof(algorithms) / sizeof(*algorithms))

/* Returns whether the first "length" characters of "name" are the name of the algorithm. */
static bool
is_named(const KeyAlgorithm *algorithm, const char *name, size_t length)
{
	return strlen(algorithm->name) == length && strncmp(algorithm->name, name, length) == 0;
}

bool
key_algorithms_are_known(const char *list)
{
	for (size_t length; *list != '\0'; list += length + strspn(list + length, " "))
	{
		bool known = false;

		length = strcspn(list, " ");
		for (size_t i = 0; i < ALGORITHMS; i++)
			known = known || is_named(&algorithms[i], list, length);
		if (!known)
			return false;
	}
	return true;
}

static bool
suits_material(const KeyAlgorithm *algorithm, const EVP_PKEY *material)
{
	char curve[32] = "";

	if (!EVP_PKEY_is_a(material, algorithm->type))
		return false;
	return algorithm->curve == NULL || (EVP_PKEY_get_group_name(material, curve, sizeof(curve), NULL) == 1 &&
										strcmp(curve, algorithm->curve) == 0);
}

/* Returns the algorithm with a name that suits the material, or NULL. */
static const KeyAlgorithm *
find_algorithm(const char *name, size_t length, const EVP_PKEY *material)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
	{
		if (is_named(&algorithms[i], name, length) && suits_material(&algorithms[i], material))
			return &algorithms[i];
	}
	return NULL;
}

/* Returns the first permitted algorithm that suits the material and has the name, if that is not NULL. */
static const KeyAlgorithm *
choose_algorithm(const char *permitted, const char *name, const EVP_PKEY *material)
{
	const char *list = permitted[0] != '\0' ? permitted : KEY_ALGORITHMS;
	const KeyAlgorithm *found = NULL;

	for (size_t length; found == NULL && *list != '\0'; list += length + strspn(list + length, " "))
	{
		length = strcspn(list, " ");
		if (name == NULL || (strlen(name) == length && strncmp(name, list, length) == 0))
			found = find_algorithm(list, length, material);
	}
	return found;
}

/* Binds the key to an algorithm, and checks its material, which it takes over. */
static bool
bind_key(Key *key, EVP_PKEY *material, const char *permitted, const char *name, const char **reason)
{
	EVP_PKEY_CTX *context;

	key->material = material;
	key->secret = EVP_PKEY_is_a(material, "HMAC");
	key->algorithm = choose_algorithm(permitted, name, material);
	*reason = key->algorithm == NULL ? "no permitted algorithm suits it" : NULL;
	if (*reason == NULL && EVP_PKEY_is_a(material, "RSA") && EVP_PKEY_get_bits(material) < KEY_SHORTEST_RSA)
		*reason = "it has less than 2048 bits";
	if (*reason != NULL || key->secret)
		return *reason == NULL;
	context = EVP_PKEY_CTX_new(material, NULL);
	if (EVP_PKEY_public_check(context) != 1)
		*reason = "it is not a valid public key";
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return *reason == NULL;
}

static bool
bind_secret(Key *key, const void *secret, size_t length, const char *permitted, const char *name, const char **reason)
{
	EVP_PKEY *material;

	*reason = length == 0 ? "it is empty" : length < KEY_SHORTEST_SECRET ? "it is too short" :
																		   NULL;
	if (*reason != NULL)
		return false;
	material = EVP_PKEY_new_raw_private_key_ex(NULL, "HMAC", NULL, secret, length);
	assert(material != NULL);
	return bind_key(key, material, permitted, name, reason);
}

bool
key_from_secret(Key *key, const void *secret, size_t length, const char *permitted, const char **reason)
{
	*key = (Key){ 0 };
	return bind_secret(key, secret, length, permitted, NULL, reason);
}

bool
key_from_material(Key *key, EVP_PKEY *material, const char *permitted, const char **reason)
{
	assert(material != NULL);
	*key = (Key){ 0 };
	return bind_key(key, material, permitted, NULL, reason);
}

/* A member of a JSON Web Key, as bytes; NULL if it is not there or malformed. */
typedef struct Member
{
	unsigned char *bytes;
	size_t length;
} Member;

static Member
read_member(const json_t *json, const char *name)
{
	const json_t *value = json_object_get(json, name);
	Member member = { 0 };

	if (json_is_string(value))
		member.bytes = base64url_decode(json_string_value(value), json_string_length(value), &member.length);
	return member;
}

/* Returns a public key of OpenSSL, or NULL. */
static EVP_PKEY *
build_material(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *material = NULL;

	if (parameters == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &material, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		material = NULL;
	OSSL_PARAM_free(parameters);
	EVP_PKEY_CTX_free(context);
	return material;
}

static EVP_PKEY *
read_rsa(const json_t *json)
{
	Member modulus = read_member(json, "n");
	Member exponent = read_member(json, "e");
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(modulus.bytes, (int) modulus.length, NULL);
	BIGNUM *e = BN_bin2bn(exponent.bytes, (int) exponent.length, NULL);
	EVP_PKEY *material = NULL;

	if (modulus.bytes != NULL && exponent.bytes != NULL &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		material = build_material("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	free(modulus.bytes);
	free(exponent.bytes);
	return material;
}

/* The curves of RFC 7518, 6.2.1.1. */
static const struct
{
	const char *name;
	const char *group; /* OpenSSL's name */
	size_t size;	   /* of a coordinate in bytes */
} curves[] = {
	{ "P-256", "prime256v1", 32 },
	{ "P-384", "secp384r1", 48 },
	{ "P-521", "secp521r1", 66 },
};

static EVP_PKEY *
build_point(const char *group, const Member *x, const Member *y)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	unsigned char point[1 + 2 * 66] = { POINT_CONVERSION_UNCOMPRESSED };
	EVP_PKEY *material = NULL;

	memcpy(point + 1, x->bytes, x->length);
	memcpy(point + 1 + x->length, y->bytes, y->length);
	if (OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + x->length + y->length) == 1)
		material = build_material("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return material;
}

static EVP_PKEY *
read_curve(const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "crv"));
	Member x = read_member(json, "x");
	Member y = read_member(json, "y");
	EVP_PKEY *material = NULL;

	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
	{
		if (name != NULL && strcmp(name, curves[i].name) == 0 && x.bytes != NULL && y.bytes != NULL &&
			x.length == curves[i].size && y.length == curves[i].size)
			material = build_point(curves[i].group, &x, &y);
	}
	free(x.bytes);
	free(y.bytes);
	return material;
}

static EVP_PKEY *
read_edwards(const json_t *json)
{
	const char *curve = json_string_value(json_object_get(json, "crv"));
	Member x = read_member(json, "x");
	EVP_PKEY *material = NULL;

	if (x.bytes != NULL && curve != NULL && (strcmp(curve, "Ed25519") == 0 || strcmp(curve, "Ed448") == 0))
		material = EVP_PKEY_new_raw_public_key_ex(NULL, curve, NULL, x.bytes, x.length);
	free(x.bytes);
	return material;
}

/* Returns whether the key is for signatures, as far as it says (RFC 7517, 4.2 and 4.3). */
static bool
is_for_signatures(const json_t *json)
{
	const json_t *use = json_object_get(json, "use");
	const json_t *operations = json_object_get(json, "key_ops");
	bool found = operations == NULL;
	size_t i;
	json_t *operation;

	json_array_foreach(operations, i, operation)
	{
		if (json_is_string(operation) && strcmp(json_string_value(operation), "verify") == 0)
			found = true;
	}
	return found && (use == NULL || (json_is_string(use) && strcmp(json_string_value(use), "sig") == 0));
}

/* Reads the key's material and binds it; "name" is that of its algorithm, or NULL. */
static bool
read_material(Key *key, const json_t *json, const char *permitted, const char *name, const char **reason)
{
	const char *type = json_string_value(json_object_get(json, "kty"));
	EVP_PKEY *material;

	*reason = "its type is unknown, or its members are malformed";
	if (type == NULL)
		return false;
	if (strcmp(type, "oct") == 0)
	{
		Member secret = read_member(json, "k");
		bool good = secret.bytes != NULL && bind_secret(key, secret.bytes, secret.length, permitted, name, reason);

		free(secret.bytes);
		return good;
	}
	material = strcmp(type, "RSA") == 0 ? read_rsa(json) :
			   strcmp(type, "EC") == 0	? read_curve(json) :
			   strcmp(type, "OKP") == 0 ? read_edwards(json) :
										  NULL;
	ERR_clear_error();
	return material != NULL && bind_key(key, material, permitted, name, reason);
}

bool
key_from_json(Key *key, const json_t *json, const char *permitted, const char **reason)
{
	const json_t *id = json_object_get(json, "kid");
	const json_t *algorithm = json_object_get(json, "alg");

	*key = (Key){ 0 };
	*reason = !is_for_signatures(json)						  ? "it is not for signatures" :
			  id != NULL && !json_is_string(id)				  ? "its \"kid\" is not a text" :
			  algorithm != NULL && !json_is_string(algorithm) ? "its \"alg\" is not a text" :
																NULL;
	if (*reason != NULL || !read_material(key, json, permitted, json_string_value(algorithm), reason))
		return false;
	key->id = id ? memory_copy(json_string_value(id)) : NULL;
	return true;
}

bool
key_has_algorithm(const Key *key, const Token *token)
{
	return strcmp(key->algorithm->name, token->algorithm) == 0;
}

bool
key_suits(const Key *key, const Token *token)
{
	return key_has_algorithm(key, token) &&
		   (key->id == NULL || token->key_id == NULL || strcmp(key->id, token->key_id) == 0);
}

/* Verifies HMAC: signs the text and compares both signatures, in a time that does not depend on them. */
static bool
verify_secret(const Key *key, const Token *token)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char expected[EVP_MAX_MD_SIZE];
	size_t length = sizeof(expected);
	bool good;

	good = EVP_DigestSignInit_ex(context, NULL, key->algorithm->digest, NULL, NULL, key->material, NULL) == 1 &&
		   EVP_DigestSign(context, expected, &length, (const unsigned char *) token->text, token->signed_length) == 1;
	EVP_MD_CTX_free(context);
	return good && length == token->signature_length && CRYPTO_memcmp(expected, token->signature, length) == 0;
}

/*
 * JSON Web Signatures hold both numbers of ECDSA side by side; OpenSSL wants them in DER.  Returns DER's length;
 * 0: the signature is too long or too short.
 */
static size_t
encode_ecdsa(const Key *key, const Token *token, unsigned char *der)
{
	size_t half = ((size_t) EVP_PKEY_get_bits(key->material) + 7) / 8;
	ECDSA_SIG *pair;
	int length;

	if (token->signature_length != 2 * half)
		return 0;
	pair = ECDSA_SIG_new();
	ECDSA_SIG_set0(pair, BN_bin2bn(token->signature, (int) half, NULL),
				   BN_bin2bn(token->signature + half, (int) half, NULL));
	length = i2d_ECDSA_SIG(pair, &der);
	ECDSA_SIG_free(pair);
	return length > 0 ? (size_t) length : 0;
}

static bool
verify_public(const Key *key, const Token *token, const unsigned char *signature, size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options;
	const unsigned char *text = (const unsigned char *) token->text;
	const char *digest = key->algorithm->digest;
	bool good = EVP_DigestVerifyInit_ex(context, &options, digest, NULL, NULL, key->material, NULL) == 1;

	if (good && key->algorithm->pss)
		good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
			   EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
	good = good && EVP_DigestVerify(context, signature, length, text, token->signed_length) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

bool
key_verifies(const Key *key, const Token *token)
{
	unsigned char der[LARGEST_SIGNATURE];

	assert(key_has_algorithm(key, token));
	if (key->secret)
		return verify_secret(key, token);
	if (key->algorithm->curve != NULL)
		return verify_public(key, token, der, encode_ecdsa(key, token, der));
	return verify_public(key, token, token->signature, token->signature_length);
}

void
key_reset(Key *key)
{
	free(key->id);
	EVP_PKEY_free(key->material);
	*key = (Key){ 0 };
}

/*-------------------------------------------------------------------------
 *
 * sign.h
 *	  Signs JSON Web Tokens as an application's login does, for the unit tests.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TEST_SIGN_H
#define HERALD_TEST_SIGN_H

#include <assert.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static inline char *
sign_encode(const void *bytes, size_t length)
{
	char *text = memory_new(length * 2 + 8);

	EVP_EncodeBlock((unsigned char *) text, bytes, (int) length);
	text[strcspn(text, "=")] = '\0';
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' :
										   *c;
	return text;
}

/* Returns header and claims, as they are signed. */
static inline char *
sign_content(const char *header, const char *claims)
{
	char *first = sign_encode(header, strlen(header));
	char *second = sign_encode(claims, strlen(claims));
	char *content = memory_format("%s.%s", first, second);

	free(first);
	free(second);
	return content;
}

/* Takes over the content. */
static inline char *
sign_join(char *content, const void *signature, size_t length)
{
	char *encoded = sign_encode(signature, length);
	char *token = memory_format("%s.%s", content, encoded);

	free(content);
	free(encoded);
	return token;
}

/* Signs by HMAC. */
static inline char *
sign_by_secret(const char *header, const char *claims, const char *digest, const void *secret, size_t length)
{
	char *content = sign_content(header, claims);
	unsigned char signature[EVP_MAX_MD_SIZE];
	size_t size = 0;
	int done = EVP_Q_mac(NULL, "HMAC", NULL, digest, NULL, secret, length, (unsigned char *) content, strlen(content),
						 signature, sizeof(signature), &size) != NULL;

	assert(done);
	(void) done;
	return sign_join(content, signature, size);
}

/* Turns a signature of ECDSA from DER into both numbers, side by side; returns its new length. */
static inline size_t
sign_flatten(const EVP_PKEY *key, unsigned char *signature, size_t length)
{
	const unsigned char *der = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long) length);
	int half = (EVP_PKEY_get_bits(key) + 7) / 8;

	BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, half);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + half, half);
	ECDSA_SIG_free(pair);
	return 2 * (size_t) half;
}

/* Signs by a private key; digest NULL: the algorithm's own. */
static inline char *
sign_by_key(const char *header, const char *claims, const char *digest, bool pss, EVP_PKEY *key)
{
	char *content = sign_content(header, claims);
	unsigned char signature[1024];
	size_t length = sizeof(signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *options;
	int done = EVP_DigestSignInit_ex(context, &options, digest, NULL, NULL, key, NULL);

	if (pss)
		done &= EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) &
				EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
	done &= EVP_DigestSign(context, signature, &length, (unsigned char *) content, strlen(content));
	assert(done == 1);
	(void) done;
	EVP_MD_CTX_free(context);
	if (EVP_PKEY_is_a(key, "EC"))
		length = sign_flatten(key, signature, length);
	return sign_join(content, signature, length);
}

#endif /* HERALD_TEST_SIGN_H */

/*-------------------------------------------------------------------------
 *
 * key.h
 *	  Keys that verify signatures of tokens (RFC 7515, RFC 7517, RFC 7518).
 *
 * A key is bound to one algorithm when it is read (RFC 8725, 3.1): a token never chooses how a key is used.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_KEY_H
#define HERALD_KEY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "gateway/token.h"

/* The shortest secret in bytes, and the shortest modulus of RSA in bits (RFC 7518, 3.3). */
#define KEY_SHORTEST_SECRET 16
#define KEY_SHORTEST_RSA 2048

typedef struct Key
{
	char *id; /* "kid"; NULL: the key serves tokens with any */
	const struct KeyAlgorithm *algorithm;
	struct evp_pkey_st *material; /* of OpenSSL */
	bool secret;				  /* it signs, too: HMAC */
} Key;

/* The names of all algorithms, for messages; for each type of key, the usual one is the first. */
#define KEY_ALGORITHMS "HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA"

/* Returns whether each name in a list, separated by blanks, is that of an algorithm. */
extern bool key_algorithms_are_known(const char *list);

/*
 * The next three read a key.  Its algorithm is the first that suits it, of the list "permitted", or of
 * KEY_ALGORITHMS if that is empty.  They return false, with *reason, if the key cannot be used.  key_reset() frees
 * what they have made.
 */
extern bool key_from_secret(Key *key, const void *secret, size_t length, const char *permitted, const char **reason);

/* Takes over the material. */
extern bool key_from_material(Key *key, struct evp_pkey_st *material, const char *permitted, const char **reason);

/* Reads a JSON Web Key; the algorithm that it names must be permitted, and suit it. */
extern bool key_from_json(Key *key, const json_t *json, const char *permitted, const char **reason);

/* Returns whether the token is signed by the algorithm of the key, and may be by the key itself. */
extern bool key_has_algorithm(const Key *key, const Token *token);
extern bool key_suits(const Key *key, const Token *token);

/* Returns whether the token's signature is good. */
extern bool key_verifies(const Key *key, const Token *token);

extern void key_reset(Key *key);

#endif /* HERALD_KEY_H */

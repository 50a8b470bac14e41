/*-------------------------------------------------------------------------
 *
 * key_set.h
 *	  The keys that the bridge accepts, as its files hold them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_KEY_SET_H
#define HERALD_KEY_SET_H

#include <stdbool.h>

#include "base/config.h"
#include "gateway/token.h"

typedef struct KeySet KeySet;

/*
 * Reads all files of jwt-secret-file and jwt-key-file.  Returns NULL if there is no key, which only
 * session-cookie permits, or if a file is not good; then a message has gone to standard error.
 */
extern KeySet *key_set_read(const Config *config);

/*
 * Logs a warning about each secret that every user of this machine can read, or that ends with blanks or line ends,
 * and the number of keys in a JWKS that are left out.
 */
extern void key_set_log(const KeySet *keys);

/* Returns whether a regular file has changed since it was read, or since the last call that returned true. */
extern bool key_set_has_changed(KeySet *keys);

/* The outcome of the verification of a token. */
typedef enum KeyMatch
{
	KEY_MATCHES,
	KEY_OF_OTHER_ALGORITHM, /* no key has the token's algorithm */
	KEY_UNKNOWN,			/* no key of its algorithm has its "kid" */
	KEY_DOES_NOT_MATCH
} KeyMatch;

/* Verifies the token by each key of its algorithm and "kid", until one matches. */
extern KeyMatch key_set_verify(const KeySet *keys, const Token *token);

/* Returns whether there is no key. */
extern bool key_set_is_empty(const KeySet *keys);

/* Frees the keys; NULL is allowed. */
extern void key_set_free(KeySet *keys);

#endif /* HERALD_KEY_SET_H */

/*-------------------------------------------------------------------------
 *
 * token.h
 *	  Takes a JSON Web Token apart (RFC 7519, RFC 7515, compact serialization).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TOKEN_H
#define HERALD_TOKEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The parts of a token.  Nothing in it is to be trusted before its signature has been verified. */
typedef struct Token
{
	const char *text;	   /* what is signed: header and claims, in base64url */
	size_t signed_length;  /* of that part of the text */
	json_t *header;		   /* owns the next two */
	const char *algorithm; /* that the token names */
	const char *key_id;	   /* "kid"; NULL: it names no key */
	unsigned char *signature;
	size_t signature_length;
} Token;

/*
 * Takes a token apart; its text must outlive the result.  Returns false if it is malformed, is not of the type of
 * tokens that name a user, or has a critical header (RFC 7515, 4.1.11): this program knows none.
 */
extern bool token_parse(Token *token, const char *text);

/* Returns the claims of a token whose signature is verified, an object that the caller releases; NULL: malformed. */
extern json_t *token_claims(const Token *token);

/* Frees what token_parse() has made, whether it returned true or false. */
extern void token_reset(Token *token);

#endif /* HERALD_TOKEN_H */

/*-------------------------------------------------------------------------
 *
 * token.c
 *	  Takes a JSON Web Token apart (RFC 7519, RFC 7515, compact serialization).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/token.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/base64url.h"

/* Returns the JSON object that a part of a token stands for; NULL if it is none, or names a member twice. */
static json_t *
decode_object(const char *part, size_t length)
{
	size_t size;
	unsigned char *bytes = base64url_decode(part, length, &size);
	json_t *value = bytes ? json_loadb((const char *) bytes, size, JSON_REJECT_DUPLICATES, NULL) : NULL;

	free(bytes);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

/*
 * Issuers sign other things with the same key, such as logout tokens, and give them a type of their own.  A token
 * without a type, or with one of these, is for sessions (RFC 8725, 3.11; RFC 9068, 2.1).
 */
static bool
names_a_user(const json_t *type)
{
	const char *name = json_string_value(type);

	if (type == NULL)
		return true;
	if (name != NULL && strncasecmp(name, "application/", 12) == 0)
		name += 12;
	return name != NULL && (strcasecmp(name, "JWT") == 0 || strcasecmp(name, "at+jwt") == 0);
}

static bool
read_token_header(Token *token)
{
	const json_t *key_id = json_object_get(token->header, "kid");

	token->algorithm = json_string_value(json_object_get(token->header, "alg"));
	token->key_id = json_string_value(key_id);
	return token->algorithm != NULL && (key_id == NULL || token->key_id != NULL) &&
		   json_object_get(token->header, "crit") == NULL && names_a_user(json_object_get(token->header, "typ"));
}

bool
token_parse(Token *token, const char *text)
{
	const char *claims = strchr(text, '.');
	const char *signature = claims ? strchr(claims + 1, '.') : NULL;

	*token = (Token){ .text = text };
	if (signature == NULL)
		return false;
	token->signed_length = (size_t) (signature - text);
	token->header = decode_object(text, (size_t) (claims - text));
	token->signature = base64url_decode(signature + 1, strlen(signature + 1), &token->signature_length);
	return token->header != NULL && token->signature != NULL && read_token_header(token);
}

json_t *
token_claims(const Token *token)
{
	const char *claims = strchr(token->text, '.') + 1;

	return decode_object(claims, token->signed_length - (size_t) (claims - token->text));
}

void
token_reset(Token *token)
{
	json_decref(token->header);
	free(token->signature);
	*token = (Token){ 0 };
}

/*-------------------------------------------------------------------------
 *
 * base64url.c
 *	  Decodes the texts of tokens and keys (RFC 7515, appendix C).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/base64url.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Returns the text in the common alphabet, padded to a multiple of four; NULL if it has another character. */
static char *
to_base64(const char *text, size_t length)
{
	size_t padded = (length + 3) / 4 * 4;
	char *common = memory_new(padded + 1);

	memset(common, '=', padded);
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] == '\0' || strchr(alphabet, text[i]) == NULL)
		{
			free(common);
			return NULL;
		}
		common[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' :
															text[i];
	}
	return common;
}

/* Returns whether the last character has bits that belong to no byte. */
static bool
has_stray_bits(const char *text, size_t length)
{
	int last = length > 0 ? (int) (strchr(alphabet, text[length - 1]) - alphabet) : 0;

	return (length % 4 == 2 && (last & 15) != 0) || (length % 4 == 3 && (last & 3) != 0);
}

unsigned char *
base64url_decode(const char *text, size_t length, size_t *size)
{
	char *common = length % 4 != 1 && length < INT_MAX / 2 ? to_base64(text, length) : NULL;
	unsigned char *bytes = NULL;

	if (common != NULL && !has_stray_bits(text, length))
	{
		bytes = memory_new(length + 4); /* OpenSSL writes bytes for the padding, too */
		EVP_DecodeBlock(bytes, (unsigned char *) common, (int) strlen(common));
		*size = length * 3 / 4;
	}
	free(common);
	return bytes;
}

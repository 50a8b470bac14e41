/*-------------------------------------------------------------------------
 *
 * msgpack_client.c
 *	  Tells a client with socket.io-msgpack-parser that the bridge does not speak its encoding.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "protocol/msgpack_client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/base64url.h"

/* Bytes of MessagePack: a map of so many pairs, and a string with a byte for its length. */
#define MAP(pairs) (0x80 + (pairs))
#define SHORT_STRING 0xA0 /* and its length, below 32 */
#define STRING 0xD9

#define CONNECT_KEY "\xA4type\x00" /* "type": 0 */
#define NAMESPACE_KEY "\xA3nsp"

/* The maps that a client may send have few pairs. */
static bool
is_small_map(unsigned char byte)
{
	return byte >= MAP(2) && byte <= MAP(15);
}

/* Returns the bytes of a base64 text, which the caller frees; NULL: it is malformed. */
static unsigned char *
decode_base64(const char *base64, size_t length, size_t *size)
{
	char *text = memory_copy_bytes(base64, length);
	unsigned char *bytes;

	while (length > 0 && text[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++)
		text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' :
														  text[i];
	bytes = base64url_decode(text, length, size);
	free(text);
	return bytes;
}

/* Returns the string behind the last key "nsp", with its length; NULL: there is none.  The data may have that key, too. */
static const unsigned char *
find_namespace_name(const unsigned char *bytes, size_t size, size_t *length)
{
	const size_t key = strlen(NAMESPACE_KEY);
	const unsigned char *end = bytes + size;

	for (const unsigned char *at = end; at-- > bytes;)
	{
		const unsigned char *value = at + key;
		bool is_short;

		if ((size_t) (end - at) < key + 2 || memcmp(at, NAMESPACE_KEY, key) != 0)
			continue;
		is_short = (*value & 0xE0) == SHORT_STRING;
		if (!is_short && *value != STRING)
			return NULL;
		*length = is_short ? *value & 0x1F : value[1];
		value += is_short ? 1 : 2;
		return *length > 0 && *length <= (size_t) (end - value) ? value : NULL;
	}
	return NULL;
}

/* Writes a string with a byte for its length. */
static void
put_string(FILE *out, const char *text, size_t length)
{
	fputc(STRING, out);
	fputc((int) length, out);
	fwrite(text, 1, length, out);
}

static void
put_text(FILE *out, const char *text)
{
	put_string(out, text, strlen(text));
}

/* Returns {type: 4, data: {message, data: {code}}, nsp}. */
static Frame *
refusal_of(const char *namespace, size_t length)
{
	char *bytes = NULL;
	size_t size;
	FILE *out = open_memstream(&bytes, &size);
	Frame *frame;

	fputc(MAP(3), out);
	put_text(out, "type");
	fputc(4, out);
	put_text(out, "data");
	fputc(MAP(2), out);
	put_text(out, "message");
	put_text(out, MSGPACK_CLIENT_MESSAGE);
	put_text(out, "data");
	fputc(MAP(1), out);
	put_text(out, "code");
	put_text(out, "encoding_unknown");
	put_text(out, "nsp");
	put_string(out, namespace, length);
	fclose(out);
	frame = frame_new(FRAME_BINARY, bytes, size);
	free(bytes);
	return frame;
}

Frame *
msgpack_client_refusal(const char *base64, size_t length)
{
	size_t size;
	size_t name_length;
	unsigned char *bytes = decode_base64(base64, length, &size);
	const unsigned char *name = NULL;
	Frame *refusal = NULL;

	if (bytes != NULL && size > 0 && is_small_map(bytes[0]) &&
		memmem(bytes, size, CONNECT_KEY, sizeof(CONNECT_KEY) - 1) != NULL)
		name = find_namespace_name(bytes, size, &name_length);
	if (name != NULL)
		refusal = refusal_of((const char *) name, name_length);
	free(bytes);
	return refusal;
}

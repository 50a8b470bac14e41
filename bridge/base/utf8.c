/*-------------------------------------------------------------------------
 *
 * utf8.c
 *	  Finds and replaces bytes that are not UTF-8.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define REPLACEMENT_LENGTH 3
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Returns the length of the ASCII at the beginning, rounded down to a multiple of eight bytes. */
static size_t
ascii_length(const unsigned char *text, size_t length)
{
	size_t done = 0;
	uint64_t bytes;

	for (; done + sizeof(bytes) <= length; done += sizeof(bytes))
	{
		memcpy(&bytes, text + done, sizeof(bytes));
		if (bytes & HIGH_BITS)
			break;
	}
	return done;
}

/* Returns the length of the form that a first byte begins; 0: no form begins with it. */
static size_t
form_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

/* The second byte excludes overlong forms, surrogates and numbers that are too large. */
static bool
second_fits(unsigned char first, unsigned char second)
{
	unsigned char lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 :
																  0x80;
	unsigned char highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f :
																   0xbf;

	return second >= lowest && second <= highest;
}

/* Returns the number of bytes of the first character; 0: it is none. */
static size_t
character_length(const unsigned char *text, size_t length)
{
	size_t wanted = form_length(text[0]);

	if (wanted == 0 || wanted > length || (wanted > 1 && !second_fits(text[0], text[1])))
		return 0;
	for (size_t i = 2; i < wanted; i++)
	{
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return wanted;
}

/* Returns the number of bytes before the first one that belongs to no character. */
static size_t
valid_length(const unsigned char *text, size_t length)
{
	size_t done = ascii_length(text, length);
	size_t step;

	while (done < length && (step = character_length(text + done, length - done)) > 0)
	{
		done += step;
		if (step == 1)
			done += ascii_length(text + done, length - done);
	}
	return done;
}

bool
utf8_is_valid(const char *text, size_t length)
{
	return valid_length((const unsigned char *) text, length) == length;
}

char *
utf8_repair(const char *text, size_t length)
{
	char *copy = memory_new(length * REPLACEMENT_LENGTH + 1);
	char *end = copy;

	while (length > 0)
	{
		size_t good = valid_length((const unsigned char *) text, length);

		memcpy(end, text, good);
		end += good;
		if (good == length)
			break;
		memcpy(end, REPLACEMENT, REPLACEMENT_LENGTH);
		end += REPLACEMENT_LENGTH;
		text += good + 1;
		length -= good + 1;
	}
	*end = '\0';
	return copy;
}

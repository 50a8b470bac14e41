/*-------------------------------------------------------------------------
 *
 * random.c
 *	  Randomness: hexadecimal digits for ids and secrets, and numbers.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void
fill_randomly(void *bytes, size_t count)
{
	if (getrandom(bytes, count, 0) != (ssize_t) count)
		abort();
}

void
random_digits(char *text, size_t count)
{
	unsigned char bytes[32];

	assert(count % 2 == 0 && count / 2 <= sizeof(bytes));
	fill_randomly(bytes, count / 2);
	for (size_t i = 0; i < count / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

uint32_t
random_below(uint32_t limit)
{
	uint32_t number;

	assert(limit > 0);
	fill_randomly(&number, sizeof(number));
	return number % limit;
}

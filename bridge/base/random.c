/*-------------------------------------------------------------------------
 *
 * random.c
 *	  Random hexadecimal digits, for ids and secrets.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void
random_digits(char *text, size_t count)
{
	unsigned char bytes[32];

	assert(count % 2 == 0 && count / 2 <= sizeof(bytes));
	if (getrandom(bytes, count / 2, 0) != (ssize_t) (count / 2))
		abort();
	for (size_t i = 0; i < count / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

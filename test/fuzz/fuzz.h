/*-------------------------------------------------------------------------
 *
 * fuzz.h
 *	  The entry of a harness, and copies of its input.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FUZZ_H
#define HERALD_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

/* libFuzzer calls these: the first once, if it is defined, and the second for each input. */
extern int LLVMFuzzerInitialize(int *count, char ***arguments);
extern int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Ends the process if a condition does not hold: libFuzzer keeps the input. */
#define REQUIRE(condition) \
	do \
	{ \
		if (!(condition)) \
			abort(); \
	} while (0)

/* Returns a text of exactly this size behind which AddressSanitizer reports a read; the caller frees it. */
static inline char *
fuzz_copy(const uint8_t *bytes, size_t length)
{
	char *copy = malloc(length ? length : 1);

	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

/* Returns the bytes up to the first zero byte as a text; the caller frees it. */
static inline char *
fuzz_text(const uint8_t *bytes, size_t length)
{
	return memory_copy_bytes(bytes, strnlen((const char *) bytes, length));
}

/* Keeps the log silent: a line for each bad input would be most of the work. */
static inline void
fuzz_silence(void)
{
	log_configure(&(LogSettings){ .level = LOG_LEVEL_ERROR });
}

#endif /* HERALD_FUZZ_H */

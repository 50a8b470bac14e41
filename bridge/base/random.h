/*-------------------------------------------------------------------------
 *
 * random.h
 *	  Randomness: hexadecimal digits for ids and secrets, and numbers.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RANDOM_H
#define HERALD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills a text with "count" hexadecimal digits, an even number up to 64, and a zero byte. */
extern void random_digits(char *text, size_t count);

/* Returns a number from 0 up to limit - 1; meant for small limits, as it is not exactly uniform. */
extern uint32_t random_below(uint32_t limit);

#endif /* HERALD_RANDOM_H */

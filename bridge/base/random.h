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

/* Fills a text with an even number of digits, 64 at most, and a zero byte. */
extern void random_digits(char *text, size_t count);

/* A number from 0 up to one below a small limit. */
extern uint32_t random_below(uint32_t limit);

#endif /* HERALD_RANDOM_H */

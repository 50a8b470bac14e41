/*-------------------------------------------------------------------------
 *
 * random.h
 *	  Random hexadecimal digits, for ids and secrets.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RANDOM_H
#define HERALD_RANDOM_H

#include <stddef.h>

/* Fills a text with an even number of digits, 64 at most, and a zero byte. */
extern void random_digits(char *text, size_t count);

#endif /* HERALD_RANDOM_H */

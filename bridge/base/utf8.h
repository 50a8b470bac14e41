/*-------------------------------------------------------------------------
 *
 * utf8.h
 *	  Finds and replaces bytes that are not UTF-8.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_UTF8_H
#define HERALD_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Returns whether "length" bytes are UTF-8: no overlong form, no surrogate, nothing above U+10FFFF. */
extern bool utf8_is_valid(const char *text, size_t length);

/* Returns a copy with U+FFFD in place of each byte that belongs to no character; the caller frees it. */
extern char *utf8_repair(const char *text, size_t length);

#endif /* HERALD_UTF8_H */

/*-------------------------------------------------------------------------
 *
 * memory.h
 *	  Allocation that aborts when memory is out.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_MEMORY_H
#define HERALD_MEMORY_H

#include <stddef.h>

/*
 * The settings bound all memory.  When it runs out all the same, going on would harm
 * every client, and a restart harms none: they recover from the log.  So these
 * functions never return NULL for want of memory.  The caller frees the result.
 */

/* Returns zeroed memory. */
extern void *memory_new(size_t size);

/* Resizes memory as realloc() does; added bytes are not zeroed. */
extern void *memory_resize(void *old, size_t size);

/* Returns a copy of a text; NULL of NULL. */
extern char *memory_copy(const char *text);

/* Returns a copy of bytes, with a zero byte behind them. */
extern char *memory_copy_bytes(const void *bytes, size_t length);

/* Returns a formatted text. */
extern char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Begins to load memory into the processor's cache, for use after other work.  Loops over many connections need it:
 * they wait for memory longer than they compute.  The address may be invalid.
 */
static inline void
memory_fetch(const void *start, size_t size)
{
	const char *const end = (const char *) start + size - 1;

#pragma GCC unroll 8
	for (const char *line = start; line < end; line += 64)
		__builtin_prefetch(line);
	__builtin_prefetch(end);
	__asm__ volatile(""); /* otherwise GCC takes a function that only loads memory for one without effect */
}

#endif /* HERALD_MEMORY_H */

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
 * What is bounded is bounded by limits of ours; when memory runs out all the
 * same, going on would harm every client, and a restart harms none: they
 * recover from the log.  The caller owns what these return and frees it.
 */
extern void *memory_new(size_t size); /* zeroed */
extern void *memory_resize(void *old, size_t size);
extern char *memory_copy(const char *text);
extern char *memory_copy_bytes(const void *bytes, size_t length); /* with a zero byte behind */
extern char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* HERALD_MEMORY_H */

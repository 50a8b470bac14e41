/*-------------------------------------------------------------------------
 *
 * shared_memory.h
 *	  Reserves the shared memory of the extension when the server starts.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SHARED_MEMORY_H
#define HERALD_SHARED_MEMORY_H

/* Installs the hooks; while the library is preloaded only. */
extern void shared_memory_init(void);

#endif /* HERALD_SHARED_MEMORY_H */

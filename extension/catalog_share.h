/*-------------------------------------------------------------------------
 *
 * catalog_share.h
 *	  Shares facts from the catalogs between the sessions of a preloaded server.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CATALOG_SHARE_H
#define HERALD_CATALOG_SHARE_H

#include "postgres.h"

#define CATALOG_FACT_BYTES 32

/* Returns the size of the shared memory. */
extern Size catalog_share_size(void);

/* Attaches to the shared memory.  The caller holds AddinShmemInitLock. */
extern void catalog_share_attach(void);

/* Registers the functions that follow changes of catalogs.  Only a preloaded library calls it. */
extern void catalog_share_init(void);

/*
 * Returns the number of changes of catalogs up to now.  Facts that the caller looks up from now on may be shared with
 * this number.  Returns 0 if none may be shared.
 */
extern uint64 catalog_share_count(void);

/*
 * Finds a fact about this database by its name, of less than 2 * NAMEDATALEN bytes.  Returns false if none is shared
 * that is right with this number of changes.
 */
extern bool catalog_share_find(uint64 count, const char *name, void *fact, Size size);

/* Returns whether others see all that this transaction has seen of the catalogs. */
extern bool catalog_share_is_possible(void);

/* Shares a fact that was looked up after catalog_share_count() had returned this number; 0: does nothing. */
extern void catalog_share_add(uint64 count, const char *name, const void *fact, Size size);

#endif /* HERALD_CATALOG_SHARE_H */

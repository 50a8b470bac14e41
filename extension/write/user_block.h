/*-------------------------------------------------------------------------
 *
 * user_block.h
 *	  Finds the blocks between recipients and actors, by the application's tables.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_USER_BLOCK_H
#define HERALD_USER_BLOCK_H

#include "postgres.h"

#include "query.h"

/* Registers the callback that keeps the cache of block sources up to date. */
extern void user_block_init(void);

/* Returns the row type (recipient_id, actor_id); it lives as long as the backend. */
extern TupleDesc user_block_shape(void);

/*
 * Returns the pairs of recipient and actor with a block between them, of the
 * candidates that the scope offers as herald_candidate.  The caller ends the
 * tuplestore.  Queries run as the owners of their tables; the scope is then that
 * of the extension's owner again.
 */
extern Tuplestorestate *user_block_find(QueryScope *scope, int64 candidates);

#endif /* HERALD_USER_BLOCK_H */

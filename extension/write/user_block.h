/*-------------------------------------------------------------------------
 *
 * user_block.h
 *	  Who wants nothing of whom, by the application's own tables.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_USER_BLOCK_H
#define HERALD_USER_BLOCK_H

#include "postgres.h"

#include "query.h"

extern void user_block_init(void);

/* The pairs (recipient_id, actor_id) that user_block_find() returns; lives as long as the backend. */
extern TupleDesc user_block_shape(void);

/*
 * Those of the candidates, which the scope offers as herald_candidate, that have
 * a block between recipient and actor.  Asks as the owners of the tables, and
 * leaves the scope as it found it.  The caller ends the result.
 */
extern Tuplestorestate *user_block_find(QueryScope *scope, int64 candidates);

#endif /* HERALD_USER_BLOCK_H */

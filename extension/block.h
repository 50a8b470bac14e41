/*-------------------------------------------------------------------------
 *
 * block.h
 *	  Who wants nothing of whom, by the application's own tables.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_BLOCK_H
#define HERALD_BLOCK_H

#include "postgres.h"

#include "query.h"

extern void block_init(void);

/* The pairs (recipient_id, actor_id) that block_find() returns; lives as long as the backend. */
extern TupleDesc block_shape(void);

/*
 * Those of the candidates, which the scope offers as herald_candidate, that have
 * a block between recipient and actor.  Asks as the owners of the tables, and
 * leaves the scope as it found it.  The caller ends the result.
 */
extern Tuplestorestate *block_find(QueryScope *scope, int64 candidates);

#endif /* HERALD_BLOCK_H */

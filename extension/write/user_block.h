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
 * Returns the row type of herald_pair, which queries for blocks read; it lives as long as the backend.  Each pair is in
 * it twice: with the recipient as the blocker, and reversed.  A number is null if its id is none.
 */
extern TupleDesc user_block_pair_shape(void);

/* The name that a block source has among the rules of its table. */
#define USER_BLOCK_RULE "blocks"

/* Returns whether there is a table of blocks.  Within a query scope of the extension's owner. */
extern bool user_block_is_possible(void);

/* Adds a pair of recipient and actor to a tuplestore of user_block_pair_shape(). */
extern void user_block_add_pair(Tuplestorestate *pairs, Datum recipient_id, Datum actor_id);

/*
 * Returns those of the pairs of recipient and actor that have a block between them.  The caller ends both tuplestores.
 * Queries see nothing but the pairs, and run as the owners of their tables; the scope is then that of the extension's
 * owner again.  If "role" is valid, only the tables of its members count: others could make it fail, or wait.
 *
 * A source that fails draws a warning, and blocks all pairs.  With "may_write" it is recorded, as are the pairs.
 */
extern Tuplestorestate *user_block_find(QueryScope *scope, Oid role, Tuplestorestate *pairs, bool may_write);

#endif /* HERALD_USER_BLOCK_H */

/*-------------------------------------------------------------------------
 *
 * table_rewrite.h
 *	  Tells whether a snapshot is older than the rows of a table.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TABLE_REWRITE_H
#define HERALD_TABLE_REWRITE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Returns whether a table, or a table below it, has been rewritten since the active snapshot was taken.  The caller
 * holds a lock on the table, or has read it.
 */
extern bool table_was_rewritten(Oid table);

/* Raises a serialization error if one of the tables was: the statement may be repeated. */
extern void table_rewrite_check(const List *tables);

#endif /* HERALD_TABLE_REWRITE_H */

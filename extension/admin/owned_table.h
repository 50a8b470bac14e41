/*-------------------------------------------------------------------------
 *
 * owned_table.h
 *	  Opens tables for callers that own them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_OWNED_TABLE_H
#define HERALD_OWNED_TABLE_H

#include "postgres.h"

#include "utils/rel.h"

/* Opens a table, for table_close(); raises an error unless the current user owns it. */
extern Relation owned_table_open(Oid relid);

#endif /* HERALD_OWNED_TABLE_H */

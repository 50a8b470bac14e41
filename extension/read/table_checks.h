/*-------------------------------------------------------------------------
 *
 * table_checks.h
 *	  Caches the checks of access to the rooms of watched tables' rows.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TABLE_CHECKS_H
#define HERALD_TABLE_CHECKS_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Registers the callbacks that invalidate the cache; called once, when the library is loaded. */
extern void table_checks_init(void);

/*
 * Returns a new list of the checks (RoomCheckQuery *) of the rooms with a prefix, in the current memory context.  Needs
 * a scope (query.h) that belongs to the owner of the extension.
 */
extern List *table_checks_find(const char *prefix);

#endif /* HERALD_TABLE_CHECKS_H */

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

/* Registers the callbacks that invalidate the cache; called once, when the library is loaded. */
extern void table_checks_init(void);

#endif /* HERALD_TABLE_CHECKS_H */

/*-------------------------------------------------------------------------
 *
 * privilege.h
 *	  Checks the privileges that a query needs, without planning it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PRIVILEGE_H
#define HERALD_PRIVILEGE_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Raises an error if the current role may not read a table of these rewritten query
 * trees, or execute a function of them.  Runs no code of the application.
 */
extern void privilege_check(List *trees);

#endif /* HERALD_PRIVILEGE_H */

/*-------------------------------------------------------------------------
 *
 * function_path.h
 *	  Finds the search path for functions of the application that have none.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FUNCTION_PATH_H
#define HERALD_FUNCTION_PATH_H

#include "postgres.h"

#include "nodes/pg_list.h"

/*
 * Returns the search path for the functions in query trees that name objects without a schema: pg_catalog and the
 * schemas of these functions, in the current memory context; NULL if there are none.  A schema in which roles may
 * create objects that may not act as "role" is left out.
 */
extern char *function_path(List *trees, Oid role);

/* Raises an error if such a schema is left out: its functions would not find their tables. */
extern void function_path_check(List *trees, Oid role);

/* Returns a number that changes when a function, a schema or a membership of a role has changed. */
extern uint64 function_path_generation(void);

#endif /* HERALD_FUNCTION_PATH_H */

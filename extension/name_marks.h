/*-------------------------------------------------------------------------
 *
 * name_marks.h
 *	  Lets saved SQL follow the renames of columns and tables, as a view does.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NAME_MARKS_H
#define HERALD_NAME_MARKS_H

#include "postgres.h"

/*
 * Returns a query with a mark before each name of a column and of a table.  Analyzes
 * the query in the current scope, whose parameters have these types, and raises its
 * errors.  The result is in the current memory context.
 */
extern char *name_marks_add(const char *sql, const Oid *types, int count);

/* Removes the marks from a query in place, and returns it. */
extern char *name_marks_remove(char *sql);

#endif /* HERALD_NAME_MARKS_H */

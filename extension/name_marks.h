/*-------------------------------------------------------------------------
 *
 * name_marks.h
 *	  Puts the present names of columns and tables into saved SQL.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NAME_MARKS_H
#define HERALD_NAME_MARKS_H

#include "postgres.h"

#include "access/attnum.h"

/* Returns the mark of a column, or of a table if the column is 0, in the current memory context. */
extern char *name_mark(Oid relation, AttrNumber column);

/* Removes the marks from a query in place, and returns it. */
extern char *name_marks_remove(char *sql);

/* Returns the end of the identifier that begins here; the same place if there is none. */
extern const char *identifier_end(const char *at);

/* Returns the place of the next identifier of a qualified name, given the end of one; NULL if no dot follows. */
extern const char *identifier_next(const char *end);

#endif /* HERALD_NAME_MARKS_H */

/*-------------------------------------------------------------------------
 *
 * name_marks.h
 *	  Puts the present names of columns, tables, functions and types into saved SQL.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NAME_MARKS_H
#define HERALD_NAME_MARKS_H

#include "postgres.h"

#include "access/attnum.h"

/* The names that are not those of columns.  Each stands with its schema. */
typedef enum NameKind
{
	NAME_OF_TABLE = 0,
	NAME_OF_FUNCTION = -1,
	NAME_OF_TYPE = -2
} NameKind;

/* Returns the mark of a column of a table, or the one of an object if "column" is a NameKind, in the current context. */
extern char *name_mark(Oid object, AttrNumber column);

/* Removes the marks from a query in place, and returns it. */
extern char *name_marks_remove(char *sql);

/* Returns the end of the identifier that begins here; the same place if there is none. */
extern const char *identifier_end(const char *at);

/* Returns the place of the next identifier of a qualified name, given the end of one; NULL if no dot follows. */
extern const char *identifier_next(const char *end);

#endif /* HERALD_NAME_MARKS_H */

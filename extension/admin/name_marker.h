/*-------------------------------------------------------------------------
 *
 * name_marker.h
 *	  Marks the names in the SQL of rules, so that it follows renames.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NAME_MARKER_H
#define HERALD_NAME_MARKER_H

#include "postgres.h"

/* A text inside a query, and what the query is about. */
typedef struct NamesToMark
{
	Oid relation;		/* the watched table, whose columns strings name */
	const char *before; /* the query up to the text */
	const char *sql;
	const char *after;
	Oid parameter; /* the type of $1; InvalidOid: there is none */
} NamesToMark;

/*
 * Returns the text with a mark before each name of a column and of a table, in place
 * of those that it has (name_marks.h).  Analyzes the query in the current scope, as
 * the current user, and raises its errors; runs and plans nothing.  The result is in
 * the current memory context.
 */
extern char *name_marker_mark(const NamesToMark *names);

#endif /* HERALD_NAME_MARKER_H */

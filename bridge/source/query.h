/*-------------------------------------------------------------------------
 *
 * query.h
 *	  One query with its parameters and the receiver of its result.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_QUERY_H
#define HERALD_QUERY_H

#include "source/database.h"

/* A query of the queue of a connection. */
typedef struct Query
{
	char *sql;
	int count; /* of the parameters */
	char **values;
	DatabaseAnswer answer;
	void *context;
	struct Query *next;
	struct Query *prev;
} Query;

/* Copies the text and the parameters, which are texts or NULL.  The caller frees the query. */
extern Query *query_new(const char *sql, int count, const char *const *values, DatabaseAnswer answer, void *context);

extern void query_free(Query *query);

#endif /* HERALD_QUERY_H */

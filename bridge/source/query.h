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

#include <libpq-fe.h>
#include <stdbool.h>

#include "source/prepared.h"

/*
 * Receives the result of a query, which is cleared afterwards.  NULL: there was no
 * connection, or it was lost, and then the query may have run or not.
 */
typedef void (*QueryAnswer)(void *context, const PGresult *result);

/* A query in the queue of a connection. */
typedef struct Query
{
	char *sql;
	int count; /* of the parameters */
	char **values;
	QueryAnswer answer;
	void *context;
	bool with_next;	   /* it is sent together with the query behind it */
	PreparedStep step; /* what the server does with it, once it is sent */
	struct Query *next;
	struct Query *prev;
} Query;

/* Copies the text and the parameters, which are texts or NULL.  The caller frees the query. */
extern Query *query_new(const char *sql, int count, const char *const *values, QueryAnswer answer, void *context);

/*
 * Gives the receiver the result, which may be NULL.  Values that are not UTF-8 are repaired first: they get U+FFFD
 * in place of the bad bytes.  So everything that a query returns is UTF-8 in all of the bridge.
 */
extern void query_answer(const Query *query, PGresult *result);

extern void query_free(Query *query);

#endif /* HERALD_QUERY_H */

/*-------------------------------------------------------------------------
 *
 * query_queue.h
 *	  The queries of a connection to PostgreSQL: one runs, or several that were sent
 *	  together, and the others wait.
 *
 * A query is prepared, once for each connection, when its text comes for the second time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_QUERY_QUEUE_H
#define HERALD_QUERY_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "source/prepared.h"
#include "source/query.h"

/* Zeroed, it is empty. */
typedef struct QueryQueue
{
	Query *first;
	int sent;		  /* number of queries, from the first on, that the server has */
	int load;		  /* number of all queries */
	PGresult *result; /* of the first query, until it has ended */
	uint64_t sent_at; /* when the first query was sent, in nanoseconds; 0: others went with it */
	Histogram *times; /* of queries that were sent alone: results of several come together; or NULL */
	char *last_words; /* with which the server has ended the connection, behind a query; mostly NULL */
	PreparedTexts prepared;
} QueryQueue;

/* Takes over a query, at the end of the queue or at its beginning. */
extern void query_queue_add(QueryQueue *queue, Query *query, bool first);

/* Returns whether the server has a query. */
extern bool query_queue_is_busy(const QueryQueue *queue);

/* Returns whether there is something to send: a query waits, and none is running. */
extern bool query_queue_has_next(const QueryQueue *queue);

/* Sends the first query, and those that go with it, in pipeline mode.  False: the connection is of no use any more. */
extern bool query_queue_send(QueryQueue *queue, PGconn *connection);

/* Returns whether the first query has ended, as far as the server's answers have arrived. */
extern bool query_queue_read(QueryQueue *queue, PGconn *connection);

/*
 * Takes the first query, which has ended.  It is answered, or is still the first one and must be sent again.
 */
extern void query_queue_take(QueryQueue *queue);

/* Returns whether the server ends the connection with this result, which may be NULL. */
extern bool query_queue_is_end(const PGresult *result);

/* Returns why the connection was lost: the server's last words, or an error of the connection. */
extern const char *query_queue_error(const QueryQueue *queue, const PGconn *connection);

/* The connection has ended: all its queries are answered with NULL. */
extern void query_queue_fail(QueryQueue *queue);

#endif /* HERALD_QUERY_QUEUE_H */

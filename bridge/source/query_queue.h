/*-------------------------------------------------------------------------
 *
 * query_queue.h
 *	  The queries of a connection to PostgreSQL: one runs, the others wait.
 *
 * A query whose text comes again is prepared first, once for each connection.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_QUERY_QUEUE_H
#define HERALD_QUERY_QUEUE_H

#include <stdbool.h>

#include "source/prepared.h"
#include "source/query.h"

/* Zeroed, it is empty. */
typedef struct QueryQueue
{
	Query *first; /* the one that runs when "busy" */
	bool busy;
	int load;			  /* number of queries, the running one included */
	PreparedStep running; /* what the server does with the first one */
	PreparedTexts prepared;
} QueryQueue;

/* Takes over a query, at the end of the queue or at its beginning. */
extern void query_queue_add(QueryQueue *queue, Query *query, bool first);

/* Returns whether there is nothing to send: no query waits, or one is running. */
extern bool query_queue_is_idle(const QueryQueue *queue);

/* Sends the first query.  False: the connection is of no use any more. */
extern bool query_queue_send(QueryQueue *queue, PGconn *connection);

/* Takes the result of what was sent.  The query is answered, or is still the first one and must be sent again. */
extern void query_queue_take(QueryQueue *queue, PGresult *result);

/* The connection has ended: all its queries are answered with NULL. */
extern void query_queue_fail(QueryQueue *queue);

#endif /* HERALD_QUERY_QUEUE_H */

/*-------------------------------------------------------------------------
 *
 * query_queue.c
 *	  The queries of a connection to PostgreSQL: one runs, the others wait.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/query_queue.h"

#include <assert.h>
#include <utlist.h>

void
query_queue_add(QueryQueue *queue, Query *query, bool first)
{
	if (first)
		DL_PREPEND(queue->first, query);
	else
		DL_APPEND(queue->first, query);
	queue->load++;
}

bool
query_queue_is_idle(const QueryQueue *queue)
{
	return queue->first == NULL || queue->busy;
}

bool
query_queue_send(QueryQueue *queue, PGconn *connection)
{
	const Query *query = queue->first;
	const char *const *values = (const char *const *) query->values;
	const char *name;

	assert(!query_queue_is_idle(queue));
	queue->busy = true;
	queue->running = prepared_step(&queue->prepared, query->sql, &name);
	switch (queue->running)
	{
		case PREPARED_PREPARE:
			return PQsendPrepare(connection, name, query->sql, 0, NULL);
		case PREPARED_EXECUTE:
			return PQsendQueryPrepared(connection, name, query->count, values, NULL, NULL, 0);
		default:
			return PQsendQueryParams(connection, query->sql, query->count, NULL, values, NULL, NULL, 0);
	}
}

/* Takes the first query off the queue and answers it. */
static void
answer_first(QueryQueue *queue, PGresult *result)
{
	Query *query = queue->first;

	assert(query != NULL && queue->load > 0);
	DL_DELETE(queue->first, query);
	queue->busy = false;
	queue->load--;
	query_answer(query, result);
	query_free(query);
}

void
query_queue_take(QueryQueue *queue, PGresult *result)
{
	bool lost = queue->running == PREPARED_EXECUTE && prepared_is_lost(PQresultErrorField(result, PG_DIAG_SQLSTATE));

	assert(queue->busy);
	if (queue->running != PREPARED_PREPARE && !lost)
	{
		answer_first(queue, result);
		return;
	}
	prepared_note(&queue->prepared, queue->first->sql, !lost && PQresultStatus(result) == PGRES_COMMAND_OK);
	queue->busy = false;
}

void
query_queue_fail(QueryQueue *queue)
{
	prepared_forget(&queue->prepared);
	for (int left = queue->load; left > 0; left--)
		answer_first(queue, NULL);
}

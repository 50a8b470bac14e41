/*-------------------------------------------------------------------------
 *
 * query_queue.c
 *	  The queries of a connection to PostgreSQL: one runs, or several that were sent
 *	  together, and the others wait.
 *
 * Each query is a transaction of its own, and a Sync follows it.  One that goes with the
 * next is followed by that: the server sends the results of both at once, and runs no
 * query behind one that has failed.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/query_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#include "base/memory.h"

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
query_queue_is_busy(const QueryQueue *queue)
{
	return queue->sent > 0;
}

bool
query_queue_has_next(const QueryQueue *queue)
{
	return queue->first != NULL && queue->sent == 0;
}

static bool
send_query_step(QueryQueue *queue, Query *query, PGconn *connection)
{
	const char *const *values = (const char *const *) query->values;
	const char *name;

	query->step = prepared_step(&queue->prepared, query->sql, &name);
	switch (query->step)
	{
		case PREPARED_PREPARE:
			return PQsendPrepare(connection, name, query->sql, 0, NULL);
		case PREPARED_EXECUTE:
			return PQsendQueryPrepared(connection, name, query->count, values, NULL, NULL, 0);
		default:
			return PQsendQueryParams(connection, query->sql, query->count, NULL, values, NULL, NULL, 0);
	}
}

/* A query that is only being prepared goes alone: those behind it must not run before it. */
bool
query_queue_send(QueryQueue *queue, PGconn *connection)
{
	Query *query = queue->first;
	bool more = true;

	assert(query_queue_has_next(queue));
	if (!PQenterPipelineMode(connection))
		return false;
	for (; query != NULL && more; query = query->next)
	{
		if (!send_query_step(queue, query, connection))
			return false;
		queue->sent++;
		more = query->with_next && query->step != PREPARED_PREPARE && query->next != NULL;
	}
	queue->sent_at = queue->sent == 1 ? uv_hrtime() : 0;
	return PQpipelineSync(connection);
}

/*
 * Behind each result is NULL.  Behind that of the last query that was sent is an error, if the server stops or cannot
 * commit, and the end of the transaction.
 */
bool
query_queue_read(QueryQueue *queue, PGconn *connection)
{
	bool ended = false;

	while (!ended && query_queue_is_busy(queue) && !PQisBusy(connection) && PQstatus(connection) != CONNECTION_BAD)
	{
		PGresult *result = PQgetResult(connection);

		ended = queue->sent > 1 ? result == NULL : PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (ended || result == NULL)
			PQclear(result);
		else
		{
			PQclear(queue->result);
			queue->result = result;
		}
	}
	return ended && (queue->sent > 1 || PQexitPipelineMode(connection));
}

bool
query_queue_is_end(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* Keeps the words with which the server ends the connection: libpq then knows only that it has ended. */
static void
note_end(QueryQueue *queue, const PGresult *result)
{
	if (!query_queue_is_end(result))
		return;
	free(queue->last_words);
	queue->last_words = memory_copy(PQresultErrorMessage(result));
}

/* Takes the first query off the queue and answers it. */
static void
answer_first(QueryQueue *queue, PGresult *result)
{
	Query *query = queue->first;

	assert(query != NULL && queue->load > 0);
	DL_DELETE(queue->first, query);
	queue->load--;
	query_answer(query, result);
	query_free(query);
}

/* A lost one fails if the query behind it has been sent, too: it would run after that. */
void
query_queue_take(QueryQueue *queue)
{
	Query *query = queue->first;
	PGresult *result = queue->result;
	bool lost = query->step == PREPARED_EXECUTE && prepared_is_lost(PQresultErrorField(result, PG_DIAG_SQLSTATE));

	assert(query_queue_is_busy(queue));
	if (queue->times != NULL && queue->sent_at > 0 && query->step != PREPARED_PREPARE)
		histogram_observe(queue->times, (double) (uv_hrtime() - queue->sent_at) / 1e9);
	queue->sent--;
	queue->result = NULL;
	note_end(queue, result);
	if (query->step == PREPARED_PREPARE || lost)
		prepared_note(&queue->prepared, query->sql, !lost && PQresultStatus(result) == PGRES_COMMAND_OK);
	if (query->step != PREPARED_PREPARE && (!lost || queue->sent > 0))
		answer_first(queue, result);
	PQclear(result);
}

const char *
query_queue_error(const QueryQueue *queue, const PGconn *connection)
{
	const char *words = PQresultErrorMessage(queue->result);

	if (words[0])
		return words;
	return queue->last_words ? queue->last_words : PQerrorMessage(connection);
}

void
query_queue_fail(QueryQueue *queue)
{
	prepared_forget(&queue->prepared);
	free(queue->last_words);
	queue->last_words = NULL;
	queue->sent = 0;
	PQclear(queue->result);
	queue->result = NULL;
	for (int left = queue->load; left > 0; left--)
		answer_first(queue, NULL);
}

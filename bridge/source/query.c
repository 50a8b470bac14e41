/*-------------------------------------------------------------------------
 *
 * query.c
 *	  One query with its parameters and the receiver of its result.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/metrics.h"
#include "base/utf8.h"

Query *
query_new(const char *sql, int count, const char *const *values, QueryAnswer answer, void *context)
{
	Query *query = memory_new(sizeof(Query));

	assert(answer != NULL && count >= 0);
	query->sql = memory_copy(sql);
	query->count = count;
	query->values = memory_new(sizeof(char *) * (size_t) count);
	for (int i = 0; i < count; i++)
		query->values[i] = memory_copy(values[i]);
	query->answer = answer;
	query->context = context;
	return query;
}

void
query_free(Query *query)
{
	for (int i = 0; i < query->count; i++)
		free(query->values[i]);
	free(query->values);
	free(query->sql);
	free(query);
}

/* A database with the encoding SQL_ASCII stores any bytes; a client would close its socket for them. */
static void
repair_value(PGresult *result, int row, int column)
{
	const char *value = PQgetvalue(result, row, column);
	size_t length = (size_t) PQgetlength(result, row, column);
	char *repaired;

	if (utf8_is_valid(value, length))
		return;
	repaired = utf8_repair(value, length);
	if (!PQsetvalue(result, row, column, repaired, (int) strlen(repaired)))
		abort();
	free(repaired);
	metrics.values_repaired++;
}

void
query_answer(const Query *query, PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++)
	{
		for (int column = 0; column < PQnfields(result); column++)
			repair_value(result, row, column);
	}
	query->answer(query->context, result);
}

/*-------------------------------------------------------------------------
 *
 * query.c
 *	  One query with its parameters and the receiver of its result.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/query.h"

#include <stdlib.h>

#include "base/memory.h"

Query *
query_new(const char *sql, int count, const char *const *values, QueryAnswer answer, void *context)
{
	Query *query = memory_new(sizeof(Query));

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

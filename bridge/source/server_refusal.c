/*-------------------------------------------------------------------------
 *
 * server_refusal.c
 *	  Remembers why servers refused a connection or its first query, so that the log says it once.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/server_refusal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/memory.h"

/* Servers of one connection string may differ in their reasons. */
#define REFUSALS 4
#define REFUSAL_INTERVAL_MS 60000

typedef struct ServerRefusal
{
	char *reason; /* NULL: the entry is free */
	uint64_t noted_at;
} ServerRefusal;

static ServerRefusal refusals[REFUSALS];

/* Returns the entry of a reason, or else the oldest entry. */
static ServerRefusal *
find_refusal(const char *reason)
{
	ServerRefusal *oldest = &refusals[0];

	for (int i = 0; i < REFUSALS; i++)
	{
		if (refusals[i].reason != NULL && strcmp(refusals[i].reason, reason) == 0)
			return &refusals[i];
		if (refusals[i].noted_at < oldest->noted_at)
			oldest = &refusals[i];
	}
	return oldest;
}

bool
server_refusal_is_new(const char *reason)
{
	ServerRefusal *refusal = find_refusal(reason);
	bool known = refusal->reason != NULL && strcmp(refusal->reason, reason) == 0;

	if (known && loop_now() - refusal->noted_at < REFUSAL_INTERVAL_MS)
		return false;
	free(refusal->reason);
	*refusal = (ServerRefusal){ memory_copy(reason), loop_now() };
	return true;
}

const char *
server_refusal_hint(const char *sqlstate)
{
	if (sqlstate != NULL && strcmp(sqlstate, "42501") == 0) /* insufficient_privilege */
		return REFUSAL_ROLE_HINT;
	if (sqlstate != NULL && strcmp(sqlstate, "3F000") == 0) /* invalid_schema_name */
		return REFUSAL_EXTENSION_HINT;
	return "Run herald-bridge --check with the same settings.";
}

void
server_refusal_forget_all(void)
{
	for (int i = 0; i < REFUSALS; i++)
	{
		free(refusals[i].reason);
		refusals[i] = (ServerRefusal){ 0 };
	}
}

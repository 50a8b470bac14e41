/*-------------------------------------------------------------------------
 *
 * prepared.c
 *	  The queries that a connection to PostgreSQL has prepared.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "source/prepared.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static PreparedText *
find_text(const PreparedTexts *prepared, const char *sql)
{
	for (int i = 0; i < prepared->count; i++)
	{
		if (strcmp(prepared->texts[i]->sql, sql) == 0)
			return prepared->texts[i];
	}
	return NULL;
}

static void
add_text(PreparedTexts *prepared, const char *sql)
{
	PreparedText *text = memory_new(sizeof(PreparedText));

	text->sql = memory_copy(sql);
	text->next = PREPARED_PREPARE;
	snprintf(text->name, sizeof(text->name), "herald_%d", prepared->count);
	prepared->texts[prepared->count++] = text;
}

PreparedStep
prepared_step(PreparedTexts *prepared, const char *sql, const char **name)
{
	PreparedText *text = find_text(prepared, sql);

	if (text != NULL)
	{
		*name = text->name;
		return text->next;
	}
	if (prepared->count < PREPARED_LIMIT)
		add_text(prepared, sql);
	return PREPARED_SEND_TEXT;
}

void
prepared_note(PreparedTexts *prepared, const char *sql, bool accepted)
{
	PreparedText *text = find_text(prepared, sql);

	assert(text != NULL);
	text->next = accepted ? PREPARED_EXECUTE : PREPARED_SEND_TEXT;
}

bool
prepared_is_lost(const char *sqlstate)
{
	return sqlstate != NULL && (strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0);
}

void
prepared_forget(PreparedTexts *prepared)
{
	for (int i = 0; i < prepared->count; i++)
	{
		free(prepared->texts[i]->sql);
		free(prepared->texts[i]);
	}
	prepared->count = 0;
}

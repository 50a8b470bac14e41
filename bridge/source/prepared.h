/*-------------------------------------------------------------------------
 *
 * prepared.h
 *	  The queries that a connection to PostgreSQL has prepared.
 *
 * The texts of queries are few, and most come again and again.  The server parses and
 * plans one that is prepared only once.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PREPARED_H
#define HERALD_PREPARED_H

#include <stdbool.h>

/* More texts than this are never prepared, so that the server's memory is bounded. */
#define PREPARED_LIMIT 32

/* What a connection has to do with a text. */
typedef enum PreparedStep
{
	PREPARED_SEND_TEXT, /* its first time on this connection, or it cannot be prepared */
	PREPARED_PREPARE,	/* it comes again: prepare it under its name, then ask again */
	PREPARED_EXECUTE	/* execute it by its name */
} PreparedStep;

typedef struct PreparedText
{
	char *sql;
	char name[16];
	PreparedStep next;
} PreparedText;

/* Zeroed, it is that of a new connection. */
typedef struct PreparedTexts
{
	PreparedText *texts[PREPARED_LIMIT];
	int count;
} PreparedTexts;

/* Returns the next step with a text.  Its name is valid until prepared_forget(). */
extern PreparedStep prepared_step(PreparedTexts *prepared, const char *sql, const char **name);

/* The server has prepared the text (or refused to): from now on it is executed by name, or always sent as a text. */
extern void prepared_note(PreparedTexts *prepared, const char *sql, bool accepted);

/*
 * Returns whether an error says that the server does not know the statement, or that it has changed: a pooler has
 * exchanged the server's process, or the extension was updated.  The statement did not run, or was rolled back: a
 * function of an action can raise the same error.
 */
extern bool prepared_is_lost(const char *sqlstate);

/* Forgets everything, because the connection ends. */
extern void prepared_forget(PreparedTexts *prepared);

#endif /* HERALD_PREPARED_H */

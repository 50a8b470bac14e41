/*-------------------------------------------------------------------------
 *
 * open_statement.h
 *	  Tracks the statements whose AFTER triggers run.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_OPEN_STATEMENT_H
#define HERALD_OPEN_STATEMENT_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "utils/rel.h"

#define OPEN_STATEMENT_TOLD 4

/* A statement of this session that has written rows, and whose triggers run. */
typedef struct OpenStatement
{
	QueryDesc *query; /* NULL: a COPY, or unknown */
	Oid copied;		  /* the table of a COPY */
	bool unknown;	  /* it, and others around it, began before the library was loaded */
	CommandId begin;  /* sees the rows as they were before the statement */
	CommandId end;	  /* sees them as the statement left them, without the changes of its triggers */
	SubTransactionId subtransaction;
	bool nested;  /* a trigger ran a statement that has written to the same table, or may have */
	bool changed; /* a trigger changed rows that the statement has written, and nobody was told */
	int told;
	struct
	{
		Oid relation;
		int operation;
	} by[OPEN_STATEMENT_TOLD]; /* the triggers of the extension that have run */
} OpenStatement;

/* Sets the hooks and registers the callbacks. */
extern void open_statement_init(void);

/* Returns how many statements are open: the last one is that whose triggers run at the moment. */
extern int open_statement_count(void);

/* Returns one of them, the first one is 0.  It is valid until the statement ends. */
extern OpenStatement *open_statement_get(int place);

/* Notes that the extension's trigger of a table and an operation runs for a statement. */
extern void open_statement_tell(OpenStatement *statement, Oid relation, int operation);

/* Returns whether a trigger of the statement has been noted, or too many were to know. */
extern bool open_statement_has_told(const OpenStatement *statement, Oid relation, int operation);

#endif /* HERALD_OPEN_STATEMENT_H */

/*-------------------------------------------------------------------------
 *
 * nested_change.h
 *	  Brings the changes that triggers of the application make to the rows of a
 *	  statement into the order of the rules.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NESTED_CHANGE_H
#define HERALD_NESTED_CHANGE_H

#include "postgres.h"

#include "commands/trigger.h"
#include "utils/tuplestore.h"

#include "write/rule_cache.h"

/* The rows that a call is about; NULL: none of that kind. */
typedef struct ChangedRows
{
	Tuplestorestate *new;
	Tuplestorestate *old;
} ChangedRows;

/* The rows that rules are to see, for each operation. */
typedef struct RowChanges
{
	ChangedRows of[RULE_OPERATIONS];
} RowChanges;

/*
 * Returns the changes that the rules are to see when the trigger of a statement has these rows.  The caller ends them:
 * they may be in temporary files.
 */
extern RowChanges nested_change_resolve(TriggerData *trigger, RuleOperation operation, ChangedRows rows);

/* Frees changes, but not the rows of the trigger. */
extern void nested_change_end(RowChanges *changes, ChangedRows rows);

#endif /* HERALD_NESTED_CHANGE_H */

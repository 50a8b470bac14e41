/*-------------------------------------------------------------------------
 *
 * failure.h
 *	  Records failures of rules and of queries for blocks, their suspension, and the changes that they missed.
 *
 * Each function opens a query scope of its own: it may be called while SQL of the
 * application runs on loan.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FAILURE_H
#define HERALD_FAILURE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* The failures of a rule in this backend; it begins with zeros. */
typedef struct FailureCount
{
	int64 recorded;
	int64 unrecorded;
	TimestampTz last; /* when a row was inserted */
} FailureCount;

/*
 * Counts a failure, for the table and the name of its rule.  Inserts those that are not recorded yet into
 * herald.rule_failure, as one row, if they double the number of the others or a minute has passed since the last row.
 */
extern void failure_record(Oid relation, const char *rule, int sqlstate, const char *message, FailureCount *count);

/* Inserts so many missed changes of a rule into herald.missed_change. */
extern void failure_count_missed(Oid relation, const char *rule, int64 changes);

/* Inserts the suspension of a rule, by its id.  The caller invalidates the caches. */
extern void failure_suspend_rule(int rule, const ErrorData *error);

/* Inserts the suspension of the query for blocks of a table, and invalidates the caches of block sources. */
extern void failure_suspend_blocks(Oid relation, const ErrorData *error);

#endif /* HERALD_FAILURE_H */

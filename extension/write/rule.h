/*-------------------------------------------------------------------------
 *
 * rule.h
 *	  Runs the rules of a watched table: they turn changed rows into candidates,
 *	  events and retractions.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RULE_H
#define HERALD_RULE_H

#include "postgres.h"

#include "write/rule_cache.h"

/* The rows that the rules of a statement return. */
typedef struct RuleOutput
{
	Tuplestorestate *candidates;
	Tuplestorestate *published;
	Tuplestorestate *to_lock;
	Tuplestorestate *retracted;
} RuleOutput;

/* Returns an empty output, which rule_output_end() frees. */
extern RuleOutput rule_output_begin(void);
extern void rule_output_end(RuleOutput *output);

/*
 * Runs a rule's queries over the changed rows and adds their results to the
 * output.  The scope offers them the rows and sets their role.  A "retract" query
 * with a "lock" query does not run yet.  An error names the rule.  It aborts the
 * statement or, if the rule says so, becomes a warning and a row in
 * herald.rule_failure.
 */
extern void rule_run(Rule *rule, int64 rows, RuleOutput *output);

/* Runs the "retract" query of a rule with a "lock" query, in the same way, after the causes have been locked. */
extern void rule_run_after_lock(Rule *rule, int64 rows, RuleOutput *output);

/* Runs the rule of that id over no rows and raises its errors. */
extern void rule_rehearse(Relation relation, int id);

#endif /* HERALD_RULE_H */

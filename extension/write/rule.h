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
#include "write/rule_output.h"

/*
 * Runs the rules' queries over the changed rows, as the owner of the table, and adds
 * their results to the output.  "rows" is the number of changed rows, which the scope
 * offers.  If a rule has a "lock" query, its "retract" query does not run yet.  An
 * error of a rule with on_error => 'abort' is raised, others become warnings.
 */
extern void rule_run_all(QueryScope *scope, Oid owner, const RuleList *rules, int64 rows, RuleOutput *output);

/* Runs the "retract" queries of rules with a "lock" query, in the same way, after the causes have been locked. */
extern void rule_run_all_after_lock(QueryScope *scope, Oid owner, const RuleList *rules, int64 rows,
									RuleOutput *output);

/* Records that the suspended rules among these missed so many changes, once for each name. */
extern void rule_count_missed(const RuleList *rules, int64 rows);

/* Runs the rule with this id over no rows: errors in its SQL are raised when the table is watched. */
extern void rule_rehearse(Relation relation, int id);

#endif /* HERALD_RULE_H */

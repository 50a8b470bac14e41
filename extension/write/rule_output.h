/*-------------------------------------------------------------------------
 *
 * rule_output.h
 *	  Holds the rows that the rules of a statement return.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RULE_OUTPUT_H
#define HERALD_RULE_OUTPUT_H

#include "postgres.h"

#include "utils/tuplestore.h"

#include "write/rule_cache.h"

/* The rows that the rules of a statement return, each kind in a store; NULL: none. */
typedef struct RuleOutput
{
	Tuplestorestate *candidates; /* notification_shape() */
	Tuplestorestate *pairs;		 /* of the rule that runs: rule_output_pair_shape() */
	Tuplestorestate *published;	 /* events: event_log_shape() */
	Tuplestorestate *unchecked;	 /* events of the rule that runs, before event_check_move() */
	Tuplestorestate *to_lock;	 /* causes: retraction_shape() */
	Tuplestorestate *retracted;	 /* causes: retraction_shape() */
	Tuplestorestate *due;		 /* of the rule that runs, rows that the time will change: schedule_shape() */
	Tuplestorestate *scheduled;	 /* those of all rules, with the tables of these: schedule_record_shape() */
} RuleOutput;

/*
 * Begins the stores for the queries of a rule.  A rule that runs in a subtransaction needs them before that, because
 * its end would close the stores' files.
 */
extern void rule_output_begin(RuleOutput *output, const Rule *rule);

/* Frees the stores of an output. */
extern void rule_output_end(RuleOutput *output);

/* Returns the row type of a candidate, whose recipient may be null, and an event. */
extern TupleDesc rule_output_pair_shape(void);

/* Moves the parts of pairs to the candidates and to the unchecked events. */
extern void rule_output_split_pairs(RuleOutput *output);

/* Adds the rows of an output to another one, except those that are of the rule that runs. */
extern void rule_output_move(RuleOutput *from, RuleOutput *to);

/* Returns a store of an output, which it begins if need be. */
extern Tuplestorestate *rule_output_store(Tuplestorestate **store);

#endif /* HERALD_RULE_OUTPUT_H */

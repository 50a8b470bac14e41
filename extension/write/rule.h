/*-------------------------------------------------------------------------
 *
 * rule.h
 *	  What a change to a watched table makes: who is told, what is published, what is taken back.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RULE_H
#define HERALD_RULE_H

#include "postgres.h"

#include "query.h"
#include "utils/rel.h"

typedef enum RuleOperation
{
	RULE_INSERT,
	RULE_UPDATE,
	RULE_DELETE
} RuleOperation;

#define RULE_OPERATIONS (RULE_DELETE + 1)

/* A rule for one operation; belongs to the rule set that it is in. */
typedef struct Rule
{
	int id;
	char *name;
	const char *relation; /* its table, quoted, in messages */
	SavedQuery notify;	  /* text NULL: nobody is told */
	SavedQuery publish;	  /* text NULL: nothing is published */
	SavedQuery lock;	  /* text NULL: what is taken back depends on no other rows */
	SavedQuery retract;	  /* text NULL: nothing is taken back */
	bool abort;			  /* does an error abort the application's statement? */
} Rule;

/* The rules of a table for one operation. */
typedef struct RuleList
{
	int count;
	Rule *rules;
} RuleList;

/* Where the rules of a statement put what they make. */
typedef struct RuleOutput
{
	Tuplestorestate *candidates;
	Tuplestorestate *published;
	Tuplestorestate *to_lock; /* causes to lock before it is asked which are gone */
	Tuplestorestate *retracted;
} RuleOutput;

extern void rule_init(void);

/*
 * The rules of a table, from the backend's cache.  The list is good until the
 * end of the transaction, whatever is watched anew meanwhile.
 */
extern const RuleList *rule_list(Relation relation, RuleOperation operation);

/* An empty output, and its end. */
extern RuleOutput rule_output_begin(void);
extern void rule_output_end(RuleOutput *output);

/*
 * Runs a rule's queries over the changed rows, which the scope offers them, as
 * the role of the scope.  An error names the rule; it aborts the statement, or
 * becomes a warning and a row in herald.rule_failure, as the rule says.
 */
extern void rule_run(Rule *rule, int64 rows, RuleOutput *output);

/* The same for what waits until the causes that the rule holds are locked. */
extern void rule_run_held(Rule *rule, int64 rows, RuleOutput *output);

/* Runs the rule of that id over no rows and lets its errors through. */
extern void rule_rehearse(Relation relation, int id);

#endif /* HERALD_RULE_H */

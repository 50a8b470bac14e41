/*-------------------------------------------------------------------------
 *
 * rule_cache.h
 *	  Loads the rules of a table and caches them with their plans.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RULE_CACHE_H
#define HERALD_RULE_CACHE_H

#include "postgres.h"

#include "utils/rel.h"

#include "query.h"
#include "write/event_check.h"
#include "write/failure.h"

typedef enum RuleOperation
{
	RULE_INSERT,
	RULE_UPDATE,
	RULE_DELETE
} RuleOperation;

#define RULE_OPERATIONS (RULE_DELETE + 1)

/* The effect of an error in a rule on the application's statement. */
typedef enum RuleOnError
{
	RULE_SUSPEND, /* none; the rule is suspended if it does not fit the schema */
	RULE_ABORT,	  /* the statement fails */
	RULE_WARN	  /* none */
} RuleOnError;

/* The queries of a rule, in the order of the columns of herald_internal.rule. */
enum
{
	RULE_NOTIFY,   /* returns candidates; with_event: and an event beside each */
	RULE_PUBLISH,  /* events */
	RULE_LOCK,	   /* the causes to lock before RULE_RETRACT runs */
	RULE_RETRACT,  /* causes */
	RULE_SCHEDULE, /* the rows that the time will change */
	RULE_QUERIES
};

/*
 * A rule for one operation; it belongs to the cached rules of its table.  A NULL
 * text means that the rule lacks the query.
 */
typedef struct Rule
{
	int id;
	char *name;
	char *change;
	RuleOperation operation;
	Oid source;			  /* the table that it was made for, or a partitioned table above it */
	Oid table;			  /* the table of the trigger */
	const char *relation; /* its quoted name, for messages */
	SavedQuery queries[RULE_QUERIES];
	bool with_event;
	EventRights rights; /* of its events, beside their name, rooms and payload */
	RuleOnError on_error;
	bool suspended; /* does not run */
	FailureCount failures;
} Rule;

/* The rules of a table for one operation. */
typedef struct RuleList
{
	int count;
	Rule *rules;
} RuleList;

/* Creates the cache and registers the callback that invalidates it. */
extern void rule_cache_init(void);

/*
 * Returns the rules of a table from the backend's cache.  The list is valid until
 * the end of the transaction, even if herald.watch() replaces the rules meanwhile.
 */
extern const RuleList *rule_cache_list(Relation relation, RuleOperation operation);

/* Returns those that were made for the table itself, and not for a partitioned table above it. */
extern RuleList rule_cache_own(Relation relation, RuleOperation operation);

/*
 * Returns the rule as it is now: the same one, or that of this source, name, change and operation which has replaced
 * it; NULL if there is none any more.
 */
extern Rule *rule_cache_reload(Rule *rule);

#endif /* HERALD_RULE_CACHE_H */

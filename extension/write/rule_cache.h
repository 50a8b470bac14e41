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

typedef enum RuleOperation
{
	RULE_INSERT,
	RULE_UPDATE,
	RULE_DELETE
} RuleOperation;

#define RULE_OPERATIONS (RULE_DELETE + 1)

/*
 * A rule for one operation; it belongs to the cached rules of its table.  A NULL
 * text means that the rule lacks the query.
 */
typedef struct Rule
{
	int id;
	char *name;
	const char *relation; /* the table's quoted name, for messages */
	SavedQuery notify;	  /* returns candidates */
	SavedQuery publish;	  /* returns events */
	SavedQuery lock;	  /* returns the causes to lock before "retract" runs */
	SavedQuery retract;	  /* returns the causes of the notifications to retract */
	EventRights rights;	  /* on what its events may do beside their name, rooms and payload */
	bool abort;			  /* an error aborts the application's statement */
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

#endif /* HERALD_RULE_CACHE_H */

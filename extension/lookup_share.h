/*-------------------------------------------------------------------------
 *
 * lookup_share.h
 *	  Shares the parts of lookup plans that come from a query's text between sessions.
 *
 * Without the library's preloading nothing is shared.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_SHARE_H
#define HERALD_LOOKUP_SHARE_H

#include "postgres.h"

#include "utils/queryenvironment.h"

#include "lookup_plan.h"

/* Returns the size of the shared memory. */
extern Size lookup_share_size(void);

/* Attaches to the shared memory.  The caller holds AddinShmemInitLock. */
extern void lookup_share_attach(void);

/* Is there such memory? */
extern bool lookup_share_exists(void);

/*
 * Shares the inputs of a plan, their conditions, the joined row and the select list, which are prepared for evaluation.
 * "functions" are those of the query.
 */
extern void lookup_share_put(const char *text, const LookupPlan *plan, List *functions);

/*
 * Fills an empty plan with that of a query.  Returns false, and has filled nothing, if none is shared that is right for
 * the relations as they are now and for the privileges of the current role.  Otherwise the tables are locked.
 * "changes" is catalog_share_count().
 */
extern bool lookup_share_get(const char *text, QueryEnvironment *offered, uint64 changes, LookupPlan *plan);

/* Notes that the current role may run a plan, which is plain: later sessions need not check that until a change. */
extern void lookup_share_checked(const char *text, uint64 changes, const LookupPlan *plan);

#endif /* HERALD_LOOKUP_SHARE_H */

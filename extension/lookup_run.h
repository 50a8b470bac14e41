/*-------------------------------------------------------------------------
 *
 * lookup_run.h
 *	  Runs the plan of a query that look-ups by index answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_LOOKUP_RUN_H
#define HERALD_LOOKUP_RUN_H

#include "postgres.h"

#include "utils/queryenvironment.h"
#include "utils/tuplestore.h"

#include "lookup_plan.h"

/*
 * Prepares the evaluation of a plan's expressions.  Raises an error if the current role may not execute a function of
 * them.
 */
extern void lookup_run_init(LookupPlan *plan);

/* Runs a plan with the active snapshot, and adds its result to a tuplestore.  After an error it cannot run again. */
extern void lookup_run_plan(LookupPlan *plan, QueryEnvironment *offered, Tuplestorestate *store);

#endif /* HERALD_LOOKUP_RUN_H */

/*-------------------------------------------------------------------------
 *
 * time_limit.h
 *	  Runs a function for a limited time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TIME_LIMIT_H
#define HERALD_TIME_LIMIT_H

#include "postgres.h"

/*
 * Calls work(argument).  If it takes longer than a limit, cancels it, again and again until it ends, and raises
 * configuration_limit_exceeded: an error that PL/pgSQL catches as one of OTHERS.
 */
extern void time_limit_run(void (*work)(void *argument), void *argument, int milliseconds);

#endif /* HERALD_TIME_LIMIT_H */

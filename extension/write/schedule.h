/*-------------------------------------------------------------------------
 *
 * schedule.h
 *	  Records rows of watched tables that the time will change.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SCHEDULE_H
#define HERALD_SCHEDULE_H

#include "postgres.h"

#include "query.h"

/* Returns the row type of scheduled rows: their id, and the time. */
extern TupleDesc schedule_shape(void);

/* Returns the row type of scheduled rows with the watched table whose rules schedule them. */
extern TupleDesc schedule_record_shape(void);

/* Moves scheduled rows to those with their watched table. */
extern void schedule_collect(Tuplestorestate *rows, Oid watched, Tuplestorestate *records);

/* Appends such rows to herald_internal.due.  The scope runs as the extension's owner. */
extern void schedule_write(Tuplestorestate *records);

#endif /* HERALD_SCHEDULE_H */

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

/* Appends rows of a table to herald_internal.due.  The scope runs as the extension's owner. */
extern void schedule_write(Oid relation, Tuplestorestate *rows);

#endif /* HERALD_SCHEDULE_H */

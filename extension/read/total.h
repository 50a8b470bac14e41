/*-------------------------------------------------------------------------
 *
 * total.h
 *	  Reads totals: how many rows of a watched table belong to a subject.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_TOTAL_H
#define HERALD_TOTAL_H

#include "postgres.h"

#include "query.h"

typedef struct Total
{
	int32 counter;
	text *subject;
	bool known; /* false: the application's table cannot be read */
	int64 count;
	const char *field; /* the key in the payload of an event; NULL: there is no such counter */
} Total;

/*
 * Fills in the totals as of the active snapshot, and sorts the pointers.  The application's table is read by one
 * query for each counter, as the owner of the table.  A query that fails leaves its totals unknown, with a warning.
 */
extern void totals_read(QueryScope *scope, Total **totals, int count);

#endif /* HERALD_TOTAL_H */

/*-------------------------------------------------------------------------
 *
 * event_page.h
 *	  Reads a page of events from a window of the event log, with their totals.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_PAGE_H
#define HERALD_EVENT_PAGE_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/array.h"

#include "event_columns.h"
#include "query.h"
#include "read/position.h"

typedef struct PageEvent
{
	Datum values[EVENT_COLUMNS]; /* the payload has the total */
	bool nulls[EVENT_COLUMNS];
} PageEvent;

/* The events that a page is to have. */
typedef struct PageRequest
{
	ArrayType *rooms; /* only events of these rooms; NULL: of all */
	int max_events;	  /* wanted or not */
	int max_bytes;	  /* of payloads; the page ends with the event that reaches it */
} PageRequest;

/*
 * Reads the next events of the window that the position is in the middle of, and moves
 * the position behind the last row.  Sets *events to a list of PageEvent.  Returns
 * whether more rows of the window follow.
 */
extern bool event_page_read(QueryScope *scope, Position *position, const PageRequest *request, List **events);

#endif /* HERALD_EVENT_PAGE_H */

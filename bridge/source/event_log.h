/*-------------------------------------------------------------------------
 *
 * event_log.h
 *	  The query on the event log; rows become events.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_LOG_H
#define HERALD_EVENT_LOG_H

#include <stdbool.h>

#include "base/config.h"
#include "fanout/event.h"
#include "source/database.h"

typedef enum PageOutcome
{
	PAGE_READ,
	PAGE_UNAVAILABLE, /* no database, or another error that may pass */
	PAGE_RESYNC		  /* the position is of no use (any more) */
} PageOutcome;

/* A page of events; belongs to whoever calls event_log_read(), for the time of the answer. */
typedef struct Page
{
	PageOutcome outcome;
	Event **events; /* each with one reference, of the page */
	int count;
	int logged;			  /* how many of them are in the log */
	int64_t logged_at;	  /* when the last of them got there */
	const char *position; /* where to go on */
	bool more;			  /* at once */
	int64_t behind;		  /* how many more, about */
	const char *reason;	  /* if it was not read */
} Page;

typedef void (*PageAnswer)(void *context, const Page *page);

/*
 * Reads the events after a position: as many as page-size says, and no more than fit
 * into the queue of a connection, but for the last.  until NULL: as far as there are any.
 */
extern void event_log_read(Database *database, const char *after, const char *until, const Config *config,
						   PageAnswer answer, void *context);

#endif /* HERALD_EVENT_LOG_H */

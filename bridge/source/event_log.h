/*-------------------------------------------------------------------------
 *
 * event_log.h
 *	  Reads pages of the event log; rows become events.
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
	PAGE_UNAVAILABLE, /* no database, or an error that may pass: try again */
	PAGE_SKIPPED,	  /* the query that was sent together with it has failed: nothing was read */
	PAGE_RESYNC		  /* the position is invalid, or too old: SQLSTATE HD001 to HD003 */
} PageOutcome;

/* A page of events; valid during the call of PageAnswer.  The receiver takes references to the events that it keeps. */
typedef struct Page
{
	PageOutcome outcome;
	Event **events; /* the page owns one reference to each */
	int count;
	int logged;			  /* the number of them that are in the log; the others are derived */
	int64_t logged_at;	  /* time of the last of these, in milliseconds since 1970 */
	const char *position; /* after the page */
	bool more;			  /* the window has another page */
	int64_t lag_events;	  /* about so many events follow the page */
	const char *reason;	  /* of a failure */
} Page;

typedef void (*PageAnswer)(void *context, const Page *page);

/*
 * Reads a page of the events after a position: at most page-size events, and only as
 * many as fit into the queue of a connection, but at least one.  Reads up to the
 * position "until", or to the end of the log if that is NULL.  The last page of a window also has
 * its signals, if "signals" says so.  Calls answer() once.
 */
extern void event_log_read(Database *database, const char *after, const char *until, bool signals,
						   const Config *config, PageAnswer answer, void *context);

#endif /* HERALD_EVENT_LOG_H */

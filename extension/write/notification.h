/*-------------------------------------------------------------------------
 *
 * notification.h
 *	  Turns candidates into inbox entries and their events.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NOTIFICATION_H
#define HERALD_NOTIFICATION_H

#include "postgres.h"

#include "query.h"

/*
 * The columns of a candidate: a row that may become a notification.  A rule's
 * notify query returns them in this order (herald_internal.compile_notify()).
 */
typedef enum CandidateColumn
{
	CANDIDATE_CAUSE, /* identifies the application's row; NULL: none */
	CANDIDATE_RECIPIENT_ID,
	CANDIDATE_ACTOR_ID,
	CANDIDATE_ACTOR_NAME,
	CANDIDATE_TYPE,
	CANDIDATE_SUBJECT_TYPE,
	CANDIDATE_SUBJECT_ID,
	CANDIDATE_THREAD, /* a subject that can be muted, too */
	CANDIDATE_TITLE,
	CANDIDATE_CONTENT,
	CANDIDATE_DATA
} CandidateColumn;

#define CANDIDATE_COLUMNS (CANDIDATE_DATA + 1)

/* Returns the row type of candidates; it lives as long as the backend. */
extern TupleDesc notification_shape(void);

/*
 * Writes the candidates that blocks and preferences let through into the inboxes,
 * and adds their events to "published".  Returns the sum of the ids of the new
 * notifications: for one candidate its id, or 0.  Within a query scope of the
 * extension's owner.
 */
extern int64 notification_write(QueryScope *scope, Tuplestorestate *candidates, Tuplestorestate *published);

#endif /* HERALD_NOTIFICATION_H */

/*-------------------------------------------------------------------------
 *
 * inbox.h
 *	  Writes notifications into the inbox, and their events.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_INBOX_H
#define HERALD_INBOX_H

#include "postgres.h"

#include "utils/tuplestore.h"

#include "write/notification_type.h"
#include "write/own_insert.h"

/* The columns of a candidate (type herald_internal.candidate). */
enum
{
	CANDIDATE_CAUSE,
	CANDIDATE_RECIPIENT_ID,
	CANDIDATE_ACTOR_ID,
	CANDIDATE_ACTOR_NAME,
	CANDIDATE_TYPE,
	CANDIDATE_SUBJECT_TYPE,
	CANDIDATE_SUBJECT_ID,
	CANDIDATE_THREAD,
	CANDIDATE_TITLE,
	CANDIDATE_CONTENT,
	CANDIDATE_DATA,
	CANDIDATE_COLUMNS
};

/* An insertion of notifications. */
typedef struct InboxInsert
{
	OwnInsert rows;
	Oid ids; /* the sequence */
	const char *owner;
	Tuplestorestate *announced;
	Tuplestorestate *restored; /* retracted notifications that come back */
	int64 sum;				   /* of the ids of new notifications */
} InboxInsert;

/* Returns a column of a candidate whose columns have been fetched; NULL for null. */
extern char *candidate_text(TupleTableSlot *candidate, int column);

/*
 * Begins an insertion, within a query scope of the extension's owner.  The notifications and their causes belong to
 * "owner".  The live ones are added to "announced" (event_log.h).
 */
extern InboxInsert inbox_insert_begin(Oid owner, Tuplestorestate *announced);

/*
 * Inserts the notification of a candidate.  If it is live, it is announced.  If the
 * inbox has the notification already and it was retracted, inbox_insert_end() restores it.
 */
extern void inbox_insert_row(InboxInsert *insert, TupleTableSlot *candidate, const NotificationType *type, bool live);

/* Ends an insertion.  Adds the events of restored notifications to "published".  Returns the sum of the ids of the new ones. */
extern int64 inbox_insert_end(InboxInsert *insert, Tuplestorestate *published);

#endif /* HERALD_INBOX_H */

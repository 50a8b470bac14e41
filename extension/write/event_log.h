/*-------------------------------------------------------------------------
 *
 * event_log.h
 *	  Appends events to the event log; no other module does.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_LOG_H
#define HERALD_EVENT_LOG_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "utils/tuplestore.h"

#include "event_columns.h"

/*
 * The columns of a user event: an event for the room of one user.  The number is
 * not published; it is for the caller of event_log_publish_to_users().
 */
typedef enum UserEventColumn
{
	USER_EVENT_USER_ID,
	USER_EVENT_NAME, /* NULL: nothing is published, but the number counts */
	USER_EVENT_PAYLOAD,
	USER_EVENT_NUMBER
} UserEventColumn;

#define USER_EVENT_COLUMNS (USER_EVENT_NUMBER + 1)

/* The columns of a notification to announce. */
typedef enum AnnouncedColumn
{
	ANNOUNCED_RECIPIENT_ID,
	ANNOUNCED_ID
} AnnouncedColumn;

#define ANNOUNCED_COLUMNS (ANNOUNCED_ID + 1)

/*
 * Return the row types of events to publish, of notifications to announce and of user
 * events; they live as long as the backend.
 */
extern TupleDesc event_log_shape(void);
extern TupleDesc event_log_announced_shape(void);
extern TupleDesc event_log_user_event_shape(void);

/* Adds an event for the room of a user to "published".  The name is of type text, the payload of type json. */
extern void event_log_publish_to_user(Tuplestorestate *published, Datum user_id, Datum name, Datum payload);

/* Adds the user events that have a name to "published".  Returns the sum of the numbers of all. */
extern int64 event_log_publish_to_users(Tuplestorestate *user_events, Tuplestorestate *published);

/*
 * Appends all rows of a tuplestore of event_log_shape() in their order, and announces
 * those of event_log_announced_shape(), NULL for none: each in the row of an event while
 * there are some.  Rings the doorbell if there was one.  Within a query scope of the
 * extension's owner.
 */
extern void event_log_append_all(Tuplestorestate *published, Tuplestorestate *announced);

#endif /* HERALD_EVENT_LOG_H */

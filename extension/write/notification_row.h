/*-------------------------------------------------------------------------
 *
 * notification_row.h
 *	  The columns of the inbox, and a row's form for clients.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NOTIFICATION_ROW_H
#define HERALD_NOTIFICATION_ROW_H

#include "postgres.h"

/* The columns of herald.notification. */
typedef enum NotificationColumn
{
	NOTIFICATION_ID = 1,
	NOTIFICATION_XID,
	NOTIFICATION_CREATED_AT,
	NOTIFICATION_READ_AT,
	NOTIFICATION_ARCHIVED_AT,
	NOTIFICATION_RETRACTED_AT,
	NOTIFICATION_RECIPIENT_ID,
	NOTIFICATION_ACTOR_ID,
	NOTIFICATION_ACTOR_NAME,
	NOTIFICATION_TYPE,
	NOTIFICATION_SUBJECT_TYPE,
	NOTIFICATION_SUBJECT_ID,
	NOTIFICATION_TITLE,
	NOTIFICATION_CONTENT,
	NOTIFICATION_DATA,
	NOTIFICATION_CAUSE,
	NOTIFICATION_OWNER
} NotificationColumn;

#define NOTIFICATION_COLUMNS NOTIFICATION_OWNER

/*
 * Returns a cause as the inbox keeps it: with digests of long parts, because an index row has at most 2,704 bytes.
 * Takes and returns a text.
 */
extern Datum notification_row_cause(Datum cause);

/* Returns a notification in the form for clients, given all its columns. */
extern char *notification_row_json(const Datum *values, const bool *nulls, bool read);

#endif /* HERALD_NOTIFICATION_ROW_H */

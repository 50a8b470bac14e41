/*-------------------------------------------------------------------------
 *
 * event_columns.h
 *	  The columns of events and kept totals, the partitions and indexes of the log, and the ids of events.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_COLUMNS_H
#define HERALD_EVENT_COLUMNS_H

#include "postgres.h"

/* Those of fixed width come first: no padding. */
enum
{
	EVENT_ID = 1,
	EVENT_XID,
	EVENT_LOGGED_AT,
	EVENT_NOTIFICATION_ID,
	EVENT_NEXT_XID,
	EVENT_COUNTER,
	EVENT_SLOT,
	EVENT_DELTA,
	EVENT_KEPT,
	EVENT_BEGUN,
	EVENT_ROOMS,
	EVENT_NAME,
	EVENT_PAYLOAD,
	EVENT_RECIPIENT_ID,
	EVENT_COUNTED_ID,
	EVENT_MEMBER_ID,
	EVENT_JOINS,
	EVENT_LEAVES,
	EVENT_ACK,
	EVENT_RECHECK_USER,
	EVENT_RECHECK_ROOM,
	EVENT_ACCESS,
	EVENT_COLUMNS = EVENT_ACCESS
};

/* The columns of an event to publish.  A rule's publish query returns them in this order. */
typedef enum PublishedColumn
{
	PUBLISHED_ROOMS,
	PUBLISHED_NAME,
	PUBLISHED_PAYLOAD,
	PUBLISHED_MEMBER_ID,
	PUBLISHED_JOINS,
	PUBLISHED_LEAVES,
	PUBLISHED_COUNTER,
	PUBLISHED_COUNTED_ID,
	PUBLISHED_DELTA,
	PUBLISHED_ACK,
	PUBLISHED_RECHECK_USER,
	PUBLISHED_RECHECK_ROOM,
	PUBLISHED_ACCESS /* NULL: the row is no recheck */
} PublishedColumn;

#define PUBLISHED_COLUMNS (PUBLISHED_ACCESS + 1)

/* The columns of herald_internal.total. */
enum
{
	TOTAL_COUNTED_ID = 1,
	TOTAL_COUNTER,
	TOTAL_COUNT,
	TOTAL_SNAPSHOT,
	TOTAL_COLUMNS = TOTAL_SNAPSHOT
};

/*
 * A row is delayed if more transaction ids than these were assigned since that of its own transaction: EVENT_BEGUN has
 * no higher value.  The number is part of the format of the log: rows with another one would not be found.
 */
#define EVENT_NEAR_XIDS 127

/* A row takes two ids of the sequence. */
#define EVENT_IDS_OF_ROW 2

/* Returns the id of the event for the notification that a row announces. */
static inline int64
event_announcement_id(int64 row)
{
	return row + 1;
}

/* Returns about how many rows have ids after the first, up to the last. */
static inline int64
event_rows_between(int64 first, int64 last)
{
	return Max(last - first, 0) / EVENT_IDS_OF_ROW;
}

/* The partitions in herald_internal have the numbers from 0, and indexes of their own. */
#define EVENT_PARTITIONS 4
#define EVENT_PARTITION "event_%d"
#define EVENT_INDEX_BY_ID "event_%d_id_idx"
#define EVENT_INDEX_BY_XID "event_%d_xid_id_idx"
#define EVENT_INDEX_BY_SUBJECT "event_%d_counted_id_xid_idx"

#endif /* HERALD_EVENT_COLUMNS_H */

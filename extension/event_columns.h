/*-------------------------------------------------------------------------
 *
 * event_columns.h
 *	  Numbers the columns of herald.event, and names its partitions and indexes.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_COLUMNS_H
#define HERALD_EVENT_COLUMNS_H

enum
{
	EVENT_ID = 1,
	EVENT_XID,
	EVENT_SLOT,
	EVENT_LOGGED_AT,
	EVENT_ROOMS,
	EVENT_NAME,
	EVENT_PAYLOAD,
	EVENT_MEMBER_ID,
	EVENT_JOINS,
	EVENT_LEAVES,
	EVENT_ACK,
	EVENT_COUNTER,
	EVENT_COUNTED_ID,
	EVENT_DELTA,
	EVENT_RECHECK_USER,
	EVENT_RECHECK_ROOM,
	EVENT_ACCESS,
	EVENT_COLUMNS = EVENT_ACCESS
};

/* The partitions in herald_internal have the numbers from 0, and indexes of their own. */
#define EVENT_PARTITIONS 4
#define EVENT_PARTITION "event_%d"
#define EVENT_INDEX_BY_ID "event_%d_id_idx"
#define EVENT_INDEX_BY_XID "event_%d_xid_id_idx"
#define EVENT_INDEX_BY_SUBJECT "event_%d_counter_counted_id_xid_idx"

#endif /* HERALD_EVENT_COLUMNS_H */

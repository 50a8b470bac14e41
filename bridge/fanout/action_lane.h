/*-------------------------------------------------------------------------
 *
 * action_lane.h
 *	  Tracks the actions of a session that are under way.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ACTION_LANE_H
#define HERALD_ACTION_LANE_H

#include <stdbool.h>

#include "fanout/pending_acks.h"

/* A change of rooms by an event, while the database is asked whether the session may join a room. */
typedef struct LateChange
{
	char *room;
	bool joins; /* else it leaves */
	struct LateChange *next;
} LateChange;

/* Part of a session; zero at first.  All may read it; only the functions below write it. */
typedef struct ActionLane
{
	int outstanding;		   /* actions that are not answered yet */
	int joins_in_flight;	   /* those of them with which the database is asked whether the session may join a room */
	LateChange *late_changes;  /* since the first of these joins, the oldest first */
	PendingAcks *pending_acks; /* events that the client may still acknowledge */
} ActionLane;

/* Notes that an action waits for its turn, and that it was answered. */
extern void action_lane_enter(ActionLane *lane);
extern void action_lane_exit(ActionLane *lane);

/* Notes that a join has gone to the database, and that it was answered. */
extern void action_lane_begin_join(ActionLane *lane);
extern void action_lane_end_join(ActionLane *lane);

/* Keeps a copy of a change while a join is in flight: the answer to the join may be older than the change. */
extern void action_lane_keep_change(ActionLane *lane, const char *room, bool joins);

/* Frees the late changes when no join is in flight any more. */
extern void action_lane_settle_changes(ActionLane *lane);

/* Notes that the client was asked to acknowledge an event. */
extern void action_lane_expect_ack(ActionLane *lane, Event *event);

/* Returns the event with this acknowledgement id, once, with a reference; NULL: none is expected, or no more. */
extern Event *action_lane_take_ack(ActionLane *lane, uint32_t id);

/* Frees late changes and pending acknowledgements: the session has left.  Actions may still be outstanding. */
extern void action_lane_end(ActionLane *lane);

#endif /* HERALD_ACTION_LANE_H */

/*-------------------------------------------------------------------------
 *
 * action_lane.c
 *	  Tracks the actions of a session that are under way.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/action_lane.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"

void
action_lane_enter(ActionLane *lane)
{
	lane->outstanding++;
}

void
action_lane_exit(ActionLane *lane)
{
	assert(lane->outstanding > 0);
	lane->outstanding--;
}

void
action_lane_begin_join(ActionLane *lane)
{
	lane->joins_in_flight++;
}

void
action_lane_end_join(ActionLane *lane)
{
	assert(lane->joins_in_flight > 0);
	lane->joins_in_flight--;
}

void
action_lane_keep_change(ActionLane *lane, const char *room, bool joins)
{
	LateChange *change;

	if (lane->joins_in_flight == 0)
		return;
	change = memory_new(sizeof(LateChange));
	change->room = memory_copy(room);
	change->joins = joins;
	LL_APPEND(lane->late_changes, change);
}

static void
drop_late_changes(ActionLane *lane)
{
	while (lane->late_changes != NULL)
	{
		LateChange *change = lane->late_changes;

		LL_DELETE(lane->late_changes, change);
		free(change->room);
		free(change);
	}
}

void
action_lane_settle_changes(ActionLane *lane)
{
	if (lane->joins_in_flight == 0)
		drop_late_changes(lane);
}

void
action_lane_expect_ack(ActionLane *lane, Event *event)
{
	pending_acks_add(&lane->pending_acks, event);
}

Event *
action_lane_take_ack(ActionLane *lane, uint32_t id)
{
	return pending_acks_take(lane->pending_acks, id);
}

void
action_lane_end(ActionLane *lane)
{
	drop_late_changes(lane);
	pending_acks_free(&lane->pending_acks);
}

/*-------------------------------------------------------------------------
 *
 * catchup_cursor.c
 *	  Tracks how far a session has come in the event log.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/catchup_cursor.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"

static void
drop_last_event(CatchupCursor *cursor)
{
	if (cursor->last_event != NULL)
		event_unref(cursor->last_event);
	cursor->last_event = NULL;
}

static void
replace_position(CatchupCursor *cursor, char *position)
{
	free(cursor->position);
	cursor->position = position;
}

static void
replace_seen_snapshots(CatchupCursor *cursor, SeenSnapshots *seen_snapshots)
{
	seen_snapshots_free(cursor->seen_snapshots);
	cursor->seen_snapshots = seen_snapshots;
}

void
catchup_cursor_start(CatchupCursor *cursor, char *position)
{
	*cursor = (CatchupCursor){ .position = position };
}

void
catchup_cursor_end(CatchupCursor *cursor)
{
	drop_last_event(cursor);
	replace_position(cursor, NULL);
	replace_seen_snapshots(cursor, NULL);
	catchup_cursor_forget_check(cursor);
}

bool
catchup_cursor_is_located(const CatchupCursor *cursor)
{
	return cursor->seen_snapshots != NULL;
}

void
catchup_cursor_set_recovered(CatchupCursor *cursor, bool recovered)
{
	cursor->recovered = recovered;
}

void
catchup_cursor_locate(CatchupCursor *cursor, char *position, SeenSnapshots *seen_snapshots)
{
	assert(position != NULL && seen_snapshots != NULL && cursor->last_event == NULL);
	replace_position(cursor, position);
	replace_seen_snapshots(cursor, seen_snapshots);
}

void
catchup_cursor_plan(CatchupCursor *cursor, uint64_t segment, uint64_t reader_window, int64_t lag_events)
{
	assert(catchup_cursor_is_located(cursor));
	cursor->segment = segment;
	cursor->reader_window = reader_window;
	cursor->lag_events = lag_events;
}

void
catchup_cursor_note_check(CatchupCursor *cursor, Snapshot *checked)
{
	snapshot_ref(checked);
	catchup_cursor_forget_check(cursor);
	cursor->checked = checked;
}

void
catchup_cursor_forget_check(CatchupCursor *cursor)
{
	snapshot_unref(cursor->checked);
	cursor->checked = NULL;
}

bool
catchup_cursor_has_considered(const CatchupCursor *cursor, uint64_t xid)
{
	return cursor->checked != NULL && snapshot_sees(cursor->checked, xid);
}

bool
catchup_cursor_has_seen(const CatchupCursor *cursor, const Event *event)
{
	return cursor->seen_snapshots != NULL && seen_snapshots_has(cursor->seen_snapshots, event);
}

char *
catchup_cursor_position_after(const CatchupCursor *cursor, const Event *event)
{
	assert(cursor->position != NULL);
	return memory_format("%s_%s", event->position, cursor->position);
}

void
catchup_cursor_advance(CatchupCursor *cursor, Event *event)
{
	event_ref(event);
	drop_last_event(cursor);
	cursor->last_event = event;
}

void
catchup_cursor_stall(CatchupCursor *cursor, Stall reason)
{
	assert(cursor->stall == STALL_NONE && reason != STALL_NONE);
	cursor->stall = reason;
}

void
catchup_cursor_resume(CatchupCursor *cursor)
{
	cursor->stall = STALL_NONE;
	if (cursor->last_event != NULL)
		replace_position(cursor, catchup_cursor_position_after(cursor, cursor->last_event));
	drop_last_event(cursor);
}

void
catchup_cursor_fall_behind(CatchupCursor *cursor, const char *position)
{
	assert(cursor->stall != STALL_NONE && cursor->position == NULL && cursor->seen_snapshots == NULL);
	cursor->position = memory_copy(position);
	cursor->seen_snapshots = seen_snapshots_new(0);
}

void
catchup_cursor_finish(CatchupCursor *cursor)
{
	catchup_cursor_end(cursor);
}

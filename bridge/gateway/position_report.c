/*-------------------------------------------------------------------------
 *
 * position_report.c
 *	  Tells clients that get no events how far they have come in the log.
 *
 * A client comes back with the position of its latest event.  A client that gets none for longer than the
 * recovery window would come back with a position that the log has forgotten, although it missed nothing.
 *
 * 1. Each eighth of the recovery window is a round.  At its end, each live session whose client was told no position
 *	  in it gets an event that says nothing but the position of the reader.  So the position of a client that is
 *	  connected is never older than a quarter of the window.
 *
 * 2. The position is in the client, not in the bridge: it holds after a restart, and on another bridge.
 *
 * 3. A round costs one look at each session.  The frame is built once for each format.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/position_report.h"

#include <stddef.h>

#include "base/loop.h"
#include "base/timer.h"
#include "fanout/position_round.h"
#include "fanout/roster.h"
#include "source/reader.h"
#include "source/upkeep.h"

#define ROUNDS_PER_WINDOW 8

/* The recovery window may become known, or shorter, at any time. */
#define LONGEST_SLEEP_MS 1000

static struct
{
	uint64_t began; /* the round, by loop_now() */
	Timer timer;
} position_reports;

static void
tell_position(Session *session, void *event)
{
	roster_tell_position(session, event);
}

static void
end_round(void)
{
	Event *event = event_of_position(reader_position());

	roster_each(tell_position, event);
	position_round_end();
	event_unref(event);
	position_reports.began = loop_now();
}

static void
position_report_on_time(void *context)
{
	uint64_t length = (uint64_t) upkeep_recovery_window() / ROUNDS_PER_WINDOW;
	uint64_t end;
	uint64_t left = LONGEST_SLEEP_MS;

	(void) context;
	if (length > 0 && loop_now() >= position_reports.began + length && reader_position() != NULL)
		end_round();
	end = position_reports.began + length;
	if (end > loop_now() && end - loop_now() < LONGEST_SLEEP_MS)
		left = end - loop_now();
	timer_start(&position_reports.timer, left, position_report_on_time, NULL);
}

void
position_report_start(void)
{
	position_reports.began = loop_now();
	timer_start(&position_reports.timer, LONGEST_SLEEP_MS, position_report_on_time, NULL);
}

void
position_report_stop(void)
{
	timer_stop(&position_reports.timer);
}

/*-------------------------------------------------------------------------
 *
 * delivery_time.c
 *	  Measures the time of events from their insert until they are written to sockets.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/delivery_time.h"

#include <sys/param.h>

#include "base/clock.h"
#include "base/metrics.h"

/* While more events wait for the end of a flush, which takes several turns then, those before are taken as written. */
#define MOST_EVENTS 4096

/* By the server's clock, which may be ahead of this one. */
static struct
{
	int64_t logged_at[MOST_EVENTS];
	int count;
} noted;

void
delivery_time_begin(int64_t logged_at)
{
	if (noted.count == MOST_EVENTS)
		delivery_time_end();
	noted.logged_at[noted.count++] = logged_at;
}

void
delivery_time_end(void)
{
	int64_t now;

	if (noted.count == 0)
		return;
	now = clock_now();
	for (int i = 0; i < noted.count; i++)
		histogram_observe(&metrics_delivery_times.others, (double) MAX(now - noted.logged_at[i], 0) / 1000);
	noted.count = 0;
}

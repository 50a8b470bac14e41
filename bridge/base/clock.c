/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  The time of day, and a clock for durations.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/clock.h"

#include <time.h>
#include <uv.h>

int64_t
clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

double
clock_seconds(void)
{
	return (double) uv_hrtime() / 1e9;
}

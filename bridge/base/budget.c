/*-------------------------------------------------------------------------
 *
 * budget.c
 *	  What may wait for all connections together, in bytes.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/budget.h"

#include <limits.h>
#include <malloc.h>

#include "base/metrics.h"

/* So much that was given back is given to the system, too, which the allocator does not do by itself. */
#define WORTH_TRIMMING (16 * 1024 * 1024)

static const Config unlimited = { .total_queue_limit = LONG_MAX };
static const Config *config = &unlimited;
static int64_t peak; /* since the last time */

void
budget_start(const Config *settings)
{
	config = settings;
}

void
budget_take(size_t bytes)
{
	metrics.waiting_bytes += (int64_t) bytes;
	if (metrics.waiting_bytes > peak)
		peak = metrics.waiting_bytes;
}

void
budget_give(size_t bytes)
{
	metrics.waiting_bytes -= (int64_t) bytes;
	if (peak < WORTH_TRIMMING || metrics.waiting_bytes > peak / 2)
		return;
	peak = metrics.waiting_bytes;
	malloc_trim(0);
}

int64_t
budget_left(void)
{
	return config->total_queue_limit - metrics.waiting_bytes;
}

int64_t
budget_left_for_later(void)
{
	return budget_left() - config->total_queue_limit / 8;
}

/*-------------------------------------------------------------------------
 *
 * budget.c
 *	  Bounds the bytes that wait for all connections together.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/budget.h"

#include <assert.h>
#include <limits.h>
#include <malloc.h>

#include "base/metrics.h"

/* The allocator keeps freed memory; after a peak above this, it is told to return it to the system. */
#define TRIM_ABOVE (16 * 1024 * 1024)

static struct
{
	const long *limit; /* a setting, which a reload may change; NULL: none */
	int64_t peak;	   /* since the last trim */
} budget;

void
budget_start(const Config *config)
{
	budget.limit = &config->total_queue_limit;
}

void
budget_take(size_t bytes)
{
	metrics.waiting_bytes += (int64_t) bytes;
	if (metrics.waiting_bytes > budget.peak)
		budget.peak = metrics.waiting_bytes;
}

void
budget_give(size_t bytes)
{
	metrics.waiting_bytes -= (int64_t) bytes;
	assert(metrics.waiting_bytes >= 0);
	if (budget.peak < TRIM_ABOVE || metrics.waiting_bytes > budget.peak / 2)
		return;
	budget.peak = metrics.waiting_bytes;
	malloc_trim(0);
}

static int64_t
budget_limit(void)
{
	return budget.limit != NULL ? *budget.limit : LONG_MAX;
}

int64_t
budget_left(void)
{
	return budget_limit() - metrics.waiting_bytes;
}

int64_t
budget_left_for_later(void)
{
	return budget_left() - budget_limit() / 8;
}

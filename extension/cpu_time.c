/*-------------------------------------------------------------------------
 *
 * cpu_time.c
 *	  Tells a bridge how much processor time its backend has used.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/resource.h>
#include <sys/time.h>

#include "fmgr.h"

PG_FUNCTION_INFO_V1(herald_cpu_time);

static double
milliseconds_of(struct timeval time)
{
	return (double) time.tv_sec * 1000 + (double) time.tv_usec / 1000;
}

Datum
herald_cpu_time(PG_FUNCTION_ARGS)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) != 0)
		elog(ERROR, "could not read the processor time: %m");
	PG_RETURN_FLOAT8(milliseconds_of(usage.ru_utime) + milliseconds_of(usage.ru_stime));
}

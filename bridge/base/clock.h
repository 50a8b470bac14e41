/*-------------------------------------------------------------------------
 *
 * clock.h
 *	  The time of day, and a clock for durations.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CLOCK_H
#define HERALD_CLOCK_H

#include <stdint.h>

/* Returns milliseconds since 1970, as the database counts them. */
extern int64_t clock_now(void);

/* Returns seconds since an unknown time, by a clock that nobody sets. */
extern double clock_seconds(void);

#endif /* HERALD_CLOCK_H */

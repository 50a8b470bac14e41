/*-------------------------------------------------------------------------
 *
 * clock.h
 *	  The time of day.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CLOCK_H
#define HERALD_CLOCK_H

#include <stdint.h>

/* Returns milliseconds since 1970, as the database counts them. */
extern int64_t clock_now(void);

#endif /* HERALD_CLOCK_H */

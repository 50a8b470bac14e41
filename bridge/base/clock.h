/*-------------------------------------------------------------------------
 *
 * clock.h
 *	  What time it is.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CLOCK_H
#define HERALD_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970, as the database counts them. */
extern int64_t clock_now(void);

#endif /* HERALD_CLOCK_H */

/*-------------------------------------------------------------------------
 *
 * recent_rechecks.h
 *	  Remembers the latest rechecks that the reader has delivered, each with a number.
 *
 * A query on access notes the number of the next recheck when it is sent.  When its answer
 * comes, the rechecks from there on have been delivered, but the answer may be older.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RECENT_RECHECKS_H
#define HERALD_RECENT_RECHECKS_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/recheck.h"

/* So many are remembered. */
#define RECENT_RECHECKS 1024

/* Remembers a copy of a recheck, in place of the oldest one. */
extern void recent_rechecks_add(const Recheck *recheck);

/* Forgets all: rechecks may have been missed. */
extern void recent_rechecks_forget(void);

/* Returns the number of the next recheck. */
extern uint64_t recent_rechecks_next(void);

/*
 * Returns whether concerns() is true of a recheck with this number or a later one; true also if some of them are
 * forgotten.
 */
extern bool recent_rechecks_any(uint64_t from, bool (*concerns)(const Recheck *recheck, const void *context),
								const void *context);

#endif /* HERALD_RECENT_RECHECKS_H */

/*-------------------------------------------------------------------------
 *
 * budget.h
 *	  Bounds the bytes that wait for all connections together.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_BUDGET_H
#define HERALD_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"

/* Applies the setting total-queue-limit from now on; without it the budget is unlimited. */
extern void budget_start(const Config *config);

/* Counts bytes that are kept for a connection, and takes them off again. */
extern void budget_take(size_t bytes);
extern void budget_give(size_t bytes);

/*
 * Returns the bytes that are left; negative when more has been taken than the limit
 * allows.  A single connection may not keep more than this, so that the one with the
 * most gives way first, and something is always left for the others.
 */
extern int64_t budget_left(void);

/*
 * Returns the bytes that are left for deferrable frames.  They may use only 7/8 of the
 * limit: the rest is for answers, which are in no log, and for messages from clients.
 */
extern int64_t budget_left_for_later(void);

#endif /* HERALD_BUDGET_H */

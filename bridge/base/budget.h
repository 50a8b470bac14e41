/*-------------------------------------------------------------------------
 *
 * budget.h
 *	  What may wait for all connections together, in bytes.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_BUDGET_H
#define HERALD_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"

extern void budget_start(const Config *config);

/* Whoever keeps bytes for a connection says so, and gives them back. */
extern void budget_take(size_t bytes);
extern void budget_give(size_t bytes);

/*
 * What is left; negative: more has been taken than there is.  Nobody may have more
 * waiting than that, so whoever has much gives way first, and there is always something left.
 */
extern int64_t budget_left(void);

/* What is left for what can be sent later: an eighth is for what cannot, and for what comes from clients. */
extern int64_t budget_left_for_later(void);

#endif /* HERALD_BUDGET_H */

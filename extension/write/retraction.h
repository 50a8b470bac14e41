/*-------------------------------------------------------------------------
 *
 * retraction.h
 *	  Takes back what was notified for a cause that is gone.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RETRACTION_H
#define HERALD_RETRACTION_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "utils/tuplestore.h"

/* What a rule's retract query returns; lives as long as the backend. */
extern TupleDesc retraction_shape(void);

/*
 * Locks the notifications of these causes, so that whoever is about to take
 * them back, or to tell of them again, waits for this transaction.  Within a
 * query scope of the extension's owner.
 */
extern void retraction_lock(Tuplestorestate *causes);

/*
 * Retracts the notifications of these causes as far as their types allow, and
 * adds to what is published.  A cause that ends in ":*" stands for all that
 * begin so.  Within a query scope of the extension's owner.  Returns how many
 * notifications went.
 */
extern int64 retraction_write(Tuplestorestate *causes, Tuplestorestate *published);

#endif /* HERALD_RETRACTION_H */

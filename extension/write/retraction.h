/*-------------------------------------------------------------------------
 *
 * retraction.h
 *	  Retracts notifications whose cause is gone.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RETRACTION_H
#define HERALD_RETRACTION_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "utils/tuplestore.h"

/* Returns the row type of causes, as a rule's retract query returns them; it lives as long as the backend. */
extern TupleDesc retraction_shape(void);

/*
 * Locks the notifications of these causes that the role may retract.  Other transactions that are about to
 * retract or restore them wait for this one.  Within a query scope of the
 * extension's owner.
 */
extern void retraction_lock(Oid role, Tuplestorestate *causes);

/*
 * Retracts the notifications of these causes as far as their types allow: those of
 * the role, and of roles that it may act as.  Adds the events to "published".  A cause that ends in ":*" stands for all causes with
 * that beginning.  Returns the number of notifications retracted.  Within a query
 * scope of the extension's owner.
 */
extern int64 retraction_write(Oid role, Tuplestorestate *causes, Tuplestorestate *published);

#endif /* HERALD_RETRACTION_H */

/*-------------------------------------------------------------------------
 *
 * notification.h
 *	  Turns candidates into inbox entries and their events.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_NOTIFICATION_H
#define HERALD_NOTIFICATION_H

#include "postgres.h"

#include "query.h"

/* What a rule's notify query returns; lives as long as the backend. */
extern TupleDesc notification_shape(void);

/*
 * Writes what preferences and blocks leave of the candidates into the inboxes, and
 * adds to what is published.  Within a query scope of the extension's owner.
 * Returns the sum of the ids of new notifications: that of one, or 0.
 */
extern int64 notification_write(QueryScope *scope, Tuplestorestate *candidates, Tuplestorestate *published);

#endif /* HERALD_NOTIFICATION_H */

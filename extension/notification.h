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
 * Writes what preferences and blocks leave of the candidates into inboxes and
 * event log, and rings.  Within a query scope of the extension's owner.  Returns
 * the id of the newest notification, 0 if there is none.
 */
extern int64 notification_write(QueryScope *scope, Tuplestorestate *candidates);

#endif /* HERALD_NOTIFICATION_H */

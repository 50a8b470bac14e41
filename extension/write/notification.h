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

/*
 * Returns the row type of candidates: rows that may become notifications, as a
 * rule's notify query returns them (type herald_internal.candidate).  It lives as
 * long as the backend.
 */
extern TupleDesc notification_shape(void);

/*
 * Writes the candidates that blocks and preferences let through into the inboxes,
 * and adds the live ones to "announced", and the events of those that come back to
 * "published" (event_log.h).  Returns the sum of the ids of the new
 * notifications: for one candidate its id, or 0.  Within a query scope of the
 * extension's owner.  The notifications and their causes belong to "owner", the
 * role whose rule or call made them; it depends on no table of blocks of others.
 */
extern int64 notification_write(QueryScope *scope, Oid owner, Tuplestorestate *candidates, Tuplestorestate *published,
								Tuplestorestate *announced);

#endif /* HERALD_NOTIFICATION_H */

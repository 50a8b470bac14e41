/*-------------------------------------------------------------------------
 *
 * unread_count.h
 *	  Counts the unread notifications of a user.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_UNREAD_COUNT_H
#define HERALD_UNREAD_COUNT_H

#include "postgres.h"

/* Returns the number of unread notifications of a user (a text) as of the active snapshot. */
extern int64 unread_count(Datum user);

/* Returns the number that clients show: of groups, if the setting herald.group_inbox says so.  Within a query scope. */
extern int64 unread_badge(Datum user);

#endif /* HERALD_UNREAD_COUNT_H */

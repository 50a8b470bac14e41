/*-------------------------------------------------------------------------
 *
 * user_work.h
 *	  Counts the work that users make for all.  A user with much of it rests.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_USER_WORK_H
#define HERALD_USER_WORK_H

#include <stdint.h>

#include "base/config.h"
#include "fanout/event.h"

/* Applies the setting, which is good, from now on; until then nobody rests. */
extern void user_work_configure(const Config *config);

/* Returns how long a user must rest before the next action, in milliseconds. */
extern int64_t user_work_rest(const char *user);

/* Counts the processor time that the database has used for an action, in milliseconds. */
extern void user_work_took(const char *user, double time);

/* Counts the rooms that a session enters as it arrives: the database checks and reports each. */
extern void user_work_arrived(const char *user, int rooms);

/* Counts the events of an action's transaction, now and as they come; "xid" is a text, NULL or empty: it has none. */
extern void user_work_began(const char *user, const char *xid);

/* Counts an event that the live sessions have got, for the user who has caused it, if an action did. */
extern void user_work_published(const Event *event, uint64_t deliveries);

#endif /* HERALD_USER_WORK_H */

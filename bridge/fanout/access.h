/*-------------------------------------------------------------------------
 *
 * access.h
 *	  The database's answer that a session may be in a room that it has joined.
 *
 * An answer is made of several statements.  The snapshot "checked" is older than the check, "since" is younger.
 * Both matter until the reader has passed them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ACCESS_H
#define HERALD_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "fanout/event.h"
#include "fanout/snapshot.h"

/* Part of a membership (membership.c), which frees it. */
typedef struct Access
{
	Snapshot *checked;	/* the check has considered the rechecks that it sees; NULL: none that may still come */
	Snapshot *since;	/* the session gets no event that it sees; NULL: it gets all */
	uint64_t window;	/* of the reader: begins after the answer */
	bool being_checked; /* the query that runs asks for it again */
} Access;

/* Returns an answer with a reference of its own to "checked"; takes over the one to "since". */
extern Access *access_new(Snapshot *checked, Snapshot *since, uint64_t window);
extern void access_free(Access *access);

/* Notes that a later check has admitted the session, too. */
extern void access_renew(Access *access, Snapshot *checked, uint64_t window);

/* Drops the snapshots if the reader has read the windows up to this one: no event that they see comes any more. */
extern void access_settle(Access *access, uint64_t window);

/* Drops the snapshots: a server that crashed may give the transaction ids that they see to others. */
extern void access_forget(Access *access);

/* Returns whether the check has considered what a transaction changed. */
extern bool access_has_considered(const Access *access, uint64_t xid);

/* Returns whether an event is from before the answer. */
extern bool access_withholds(const Access *access, const Event *event);

#endif /* HERALD_ACCESS_H */

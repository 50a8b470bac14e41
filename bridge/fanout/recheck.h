/*-------------------------------------------------------------------------
 *
 * recheck.h
 *	  A change of access, after which sessions must be checked again.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RECHECK_H
#define HERALD_RECHECK_H

#include <stdint.h>

/* Withdraws access, or may do so, from some users to some of the rooms that they have joined. */
typedef struct Recheck
{
	uint64_t xid; /* the transaction that changes access */
	char *user;	  /* from this user only; NULL: from all users */
	char *room;	  /* to the rooms with this key (room_key.h) only; NULL: to all rooms */
} Recheck;

/* Returns a recheck with copies of the texts; the caller frees it.  NULL is allowed. */
extern Recheck *recheck_new(uint64_t xid, const char *user, const char *room);
extern void recheck_free(Recheck *recheck);

#endif /* HERALD_RECHECK_H */

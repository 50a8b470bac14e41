/*-------------------------------------------------------------------------
 *
 * attempts.h
 *	  The attempts of connections to reach the database, and the pauses between them.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ATTEMPTS_H
#define HERALD_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed, a connection has not been tried. */
typedef struct Attempts
{
	int failed;	 /* in a row */
	long pause;	 /* milliseconds, before the next round through all servers; 0: the shortest one */
	int refused; /* in the latest round, for reasons that do not pass by themselves */
} Attempts;

/* Returns whether a connection may try now: no other one tries for all. */
extern bool attempts_may_begin(const Attempts *attempts);

/* Notes the SQLSTATE with which the server has refused a connection; "": it was not refused. */
extern void attempts_note_refusal(Attempts *attempts, const char *sqlstate);

/* Notes that a connection could not be made.  It tries for all from now on, unless another one does. */
extern void attempts_fail(Attempts *attempts);

/* Returns the milliseconds before the next attempt to connect to one of the servers of a connection string. */
extern uint64_t attempts_pause(Attempts *attempts, const char *conninfo);

/* Notes that a connection has been made. */
extern void attempts_succeed(Attempts *attempts);

/* Notes that no connection tries for all any more.  The caller lets them try. */
extern void attempts_open(void);

/* Ends the attempts of a connection that is closed, as all are. */
extern void attempts_free(Attempts *attempts);

#endif /* HERALD_ATTEMPTS_H */

/*-------------------------------------------------------------------------
 *
 * pid.h
 *	  The private id of a Socket.IO session (pid), with which a client recovers it.
 *
 * A pid consists of the session's key, its public id (sid) and the position at which it
 * began.  So any bridge can recover the session, and none needs to remember it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PID_H
#define HERALD_PID_H

#include <stdbool.h>

#define PID_SID_LENGTH 20

/* Returns a pid; the caller frees it. */
extern char *pid_new(const char *key, const char *sid, const char *position);

/* Returns whether a text from a client, or NULL, has the form of a pid. */
extern bool pid_is_valid(const char *text);

/* Return parts of a valid pid; the caller frees key and position. */
extern char *pid_key(const char *pid);
extern char *pid_position(const char *pid);
extern void pid_copy_sid(const char *pid, char sid[PID_SID_LENGTH + 1]);

#endif /* HERALD_PID_H */

/*-------------------------------------------------------------------------
 *
 * joined_rooms.h
 *	  The rooms to which a session needs access, in the query that locates it and in the answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_JOINED_ROOMS_H
#define HERALD_JOINED_ROOMS_H

#include "fanout/session.h"

/*
 * Returns the rooms that a session has joined, as a JSON array, which the caller frees: the query checks the access
 * to them.  NULL: the session is located for the first time; the database remembers its rooms.
 */
extern char *joined_rooms_held(Session *session);

/*
 * Takes the rooms of an answer, a JSON array, and the snapshot of the check.  The first answer puts the session into
 * its rooms, into "most" of those that it has joined or asked for.  A later one takes it out of those that it refuses
 * or lacks.  The client is told of refused rooms.
 */
extern void joined_rooms_take(Session *session, const char *rooms_text, const char *checked_text, bool is_first,
							  long most);

#endif /* HERALD_JOINED_ROOMS_H */

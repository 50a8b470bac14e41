/*-------------------------------------------------------------------------
 *
 * session_list.h
 *	  Lists sessions in order, each with a reference of the list.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SESSION_LIST_H
#define HERALD_SESSION_LIST_H

#include "fanout/session.h"

/* Empty when all but its kind is zero. */
typedef struct SessionList
{
	SessionListKind kind;
	int count;
	Session *first; /* the next is next_in_list */
	Session *last;
} SessionList;

/* Hands a reference over to the list.  The session must be in no list. */
extern void session_list_append(SessionList *list, Session *session);

/* Returns the first session, with the list's reference; NULL: the list is empty. */
extern Session *session_list_take(SessionList *list);

/* Returns all sessions as a list of the same kind; the given one is empty then. */
extern SessionList session_list_take_all(SessionList *list);

#endif /* HERALD_SESSION_LIST_H */

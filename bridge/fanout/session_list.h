/*-------------------------------------------------------------------------
 *
 * session_list.h
 *	  Sessions in order, each with a reference of the list.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_SESSION_LIST_H
#define HERALD_SESSION_LIST_H

#include "fanout/session.h"

/* Empty when it is all zero.  A session is in one list at most. */
typedef struct SessionList
{
	Session *first; /* the next is next_in_list */
	Session *last;
	int count;
} SessionList;

/* Hands a reference over to the list, and back; NULL: the list is empty. */
extern void session_list_append(SessionList *list, Session *session);
extern Session *session_list_take(SessionList *list);

#endif /* HERALD_SESSION_LIST_H */

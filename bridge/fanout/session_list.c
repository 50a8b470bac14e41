/*-------------------------------------------------------------------------
 *
 * session_list.c
 *	  Sessions in order, each with a reference of the list.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/session_list.h"

void
session_list_append(SessionList *list, Session *session)
{
	session->next_in_list = NULL;
	if (list->last != NULL)
		list->last->next_in_list = session;
	else
		list->first = session;
	list->last = session;
	list->count++;
}

Session *
session_list_take(SessionList *list)
{
	Session *session = list->first;

	if (session == NULL)
		return NULL;
	list->first = session->next_in_list;
	if (list->first == NULL)
		list->last = NULL;
	list->count--;
	return session;
}

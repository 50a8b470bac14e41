/*-------------------------------------------------------------------------
 *
 * session_list.c
 *	  Lists sessions in order, each with a reference of the list.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/session_list.h"

#include <assert.h>

void
session_list_append(SessionList *list, Session *session)
{
	assert(list->kind != LIST_NONE && session->list == LIST_NONE);
	session->list = list->kind;
	assert(session_is_consistent(session));
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
	assert(session->list == list->kind);
	session->list = LIST_NONE;
	list->first = session->next_in_list;
	if (list->first == NULL)
		list->last = NULL;
	list->count--;
	return session;
}

SessionList
session_list_take_all(SessionList *list)
{
	SessionList all = *list;

	*list = (SessionList){ .kind = list->kind };
	return all;
}

/*-------------------------------------------------------------------------
 *
 * user.c
 *	  Finds the sessions of a user.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/user.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"

/* Exists while the user has a session. */
typedef struct User
{
	Session *sessions;
	UT_hash_handle hh;
	char id[];
} User;

static struct
{
	User *by_id;
	void (*tell_change)(const char *id, bool has_sessions);
} users;

static User *
find_user(const char *id)
{
	User *user;

	HASH_FIND_STR(users.by_id, id, user);
	return user;
}

static User *
create_user(const char *id)
{
	User *user = memory_new(sizeof(User) + strlen(id) + 1);

	strcpy(user->id, id);
	HASH_ADD_STR(users.by_id, id, user);
	if (users.tell_change != NULL)
		users.tell_change(user->id, true);
	return user;
}

static void
drop_user(User *user)
{
	HASH_DEL(users.by_id, user);
	if (users.tell_change != NULL)
		users.tell_change(user->id, false);
	free(user);
}

void
user_add_session(Session *session)
{
	User *user = find_user(session->user);

	assert(session->next_of_user == NULL && session->previous_of_user == NULL);
	if (user == NULL)
		user = create_user(session->user);
	session->next_of_user = user->sessions;
	if (user->sessions != NULL)
		user->sessions->previous_of_user = session;
	user->sessions = session;
}

void
user_remove_session(Session *session)
{
	User *user = find_user(session->user);

	assert(user != NULL);
	if (session->next_of_user != NULL)
		session->next_of_user->previous_of_user = session->previous_of_user;
	if (session->previous_of_user != NULL)
		session->previous_of_user->next_of_user = session->next_of_user;
	else
		user->sessions = session->next_of_user;
	if (user->sessions == NULL)
		drop_user(user);
}

Session *
user_sessions(const char *id)
{
	User *user = find_user(id);

	return user ? user->sessions : NULL;
}

void
user_on_change(void (*tell)(const char *id, bool has_sessions))
{
	users.tell_change = tell;
}

void
user_each_session(void (*visit)(Session *session, void *context), void *context)
{
	User *user;
	User *next_user;

	HASH_ITER(hh, users.by_id, user, next_user)
	{
		Session *session = user->sessions;

		while (session != NULL)
		{
			Session *next = session->next_of_user;

			visit(session, context);
			session = next;
		}
	}
}

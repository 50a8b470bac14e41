/*-------------------------------------------------------------------------
 *
 * gateway.c
 *	  The only way in and out of the bridge for a client.
 *
 * A session arrives in three steps: its rooms are asked for, in one query for all
 * who have come meanwhile, and then those that it wants beside them; the reader
 * stands at a position; what it missed up to that position is replayed while live
 * events are held back.  A change of
 * membership that is read in between is kept and applied in its order, so that
 * nobody keeps a room that they have lost.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/gateway.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/random.h"
#include "fanout/room.h"
#include "gateway/action.h"
#include "gateway/replay.h"
#include "source/database.h"
#include "source/reader.h"

#define ARRIVALS_AT_ONCE 1000
#define KEY_LENGTH 32

/* Sessions in the order of their arrival, each with a reference of the list. */
typedef struct SessionList
{
	Session *first;
	Session *last;
	int count;
} SessionList;

static Database *database;	/* for rooms */
static SessionList waiting; /* nobody has asked for their rooms yet */
static SessionList asking;	/* the query that runs now is for them */
static SessionList known;	/* their rooms are known; they wait for the reader */

static void ask_for_rooms(void);

static void
list_append(SessionList *list, Session *session)
{
	session->next_arriving = NULL;
	if (list->last != NULL)
		list->last->next_arriving = session;
	else
		list->first = session;
	list->last = session;
	list->count++;
}

static Session *
list_take(SessionList *list)
{
	Session *session = list->first;

	if (session == NULL)
		return NULL;
	list->first = session->next_arriving;
	if (list->first == NULL)
		list->last = NULL;
	list->count--;
	return session;
}

/* Puts a user's sessions into a room or takes them out; one that is still arriving when it has arrived. */
static void
change_rooms(const char *user, const char *room, bool joins)
{
	Session *session;

	for (session = session_of_user(user); session != NULL; session = session->next_of_user)
	{
		if (session->state == SESSION_ARRIVING || session->joining > 0)
			session_keep_change(session, room, joins);
		if (session->state == SESSION_ARRIVING)
			continue;
		if (joins)
			room_join(session, room);
		else
			room_leave(session, room);
	}
}

/* Membership changes with the event that tells of it: before the next one of that room. */
static void
on_event(Event *event)
{
	if (event->member != NULL && event->joins != NULL)
		change_rooms(event->member, event->joins, true);
	room_publish(event);
	if (event->member != NULL && event->leaves != NULL)
		change_rooms(event->member, event->leaves, false);
}

/* The reader stands at a position: who has rooms goes on from there. */
static void
admit_known(void)
{
	Session *session;

	while (reader_position() != NULL && (session = list_take(&known)) != NULL)
	{
		if (session->state != SESSION_GONE)
		{
			session_make_changes(session);
			session->state = SESSION_REPLAYING;
			replay_begin(session, reader_position());
		}
		session_release(session);
	}
}

void
gateway_arrived(Session *session)
{
	list_append(&known, session_hold(session));
	admit_known();
}

static void
dismiss_for_resync(Session *session, void *reason)
{
	if (session->state != SESSION_ARRIVING)
		session->voice->dismiss(session, "resync", reason);
}

static void
on_resync(const char *reason)
{
	session_each(dismiss_for_resync, (void *) reason);
}

/* The answer's row for a session: its rooms and its unread count. */
static void
take_rooms(Session *session, const PGresult *result, int row)
{
	json_t *rooms = json_loads(PQgetvalue(result, row, 0), 0, NULL);
	size_t i;
	json_t *room;

	json_array_foreach(rooms, i, room) room_join(session, json_string_value(room));
	json_decref(rooms);
	session->unread = atoll(PQgetvalue(result, row, 1));
}

static void
on_rooms(void *context, const PGresult *result)
{
	bool good = result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == asking.count;
	Session *session;

	(void) context;
	if (result != NULL && !good)
		log_error("rooms_unknown", "reason", PQresultErrorMessage(result));
	for (int row = 0; (session = list_take(&asking)) != NULL; row++)
	{
		if (session->state == SESSION_GONE)
			session_release(session);
		else if (good)
		{
			take_rooms(session, result, row);
			if (session->voice->join != NULL)
				session->voice->join(session);
			else
				gateway_arrived(session);
			session_release(session);
		}
		else if (result == NULL)
			list_append(&waiting, session); /* asked again when the database is back */
		else
		{
			session->voice->dismiss(session, "unavailable", "The rooms of this user could not be found.");
			session_release(session);
		}
	}
	ask_for_rooms();
}

/* One query for all who wait; who comes while it runs shares the next one. */
static void
ask_for_rooms(void)
{
	const char **users;
	const char **keys;
	const char *values[2];
	int count = 0;
	Session *session;

	if (asking.count > 0 || waiting.count == 0 || !database_is_connected(database))
		return;
	users = memory_new(sizeof(char *) * ARRIVALS_AT_ONCE);
	keys = memory_new(sizeof(char *) * ARRIVALS_AT_ONCE);
	while (count < ARRIVALS_AT_ONCE && (session = list_take(&waiting)) != NULL)
	{
		users[count] = session->user;
		keys[count++] = session->key;
		list_append(&asking, session);
	}
	values[0] = database_text_array(users, count);
	values[1] = database_text_array(keys, count);
	database_query(database,
				   "SELECT array_to_json(rooms), unread FROM herald.connect_sessions($1, $2) ORDER BY ordinal", 2, values,
				   on_rooms, NULL);
	free((char *) values[0]);
	free((char *) values[1]);
	free(users);
	free(keys);
}

static void
on_connected(void *context)
{
	(void) context;
	ask_for_rooms();
}

static void
on_lost(void *context)
{
	(void) context;
}

void
gateway_start(const Config *config)
{
	static const ReaderEvents reader_events = { on_event, admit_known, on_resync };
	static const DatabaseEvents database_events = { on_connected, on_lost, NULL };

	database = database_open("rooms", config->database, &database_events, NULL);
	replay_start(config);
	action_start(config);
	reader_start(config, &reader_events);
}

void
gateway_stop(void)
{
	reader_stop();
	action_stop();
	replay_stop();
	database_close(database);
}

static char *
new_key(void)
{
	char *key = memory_new(KEY_LENGTH + 1);

	random_digits(key, KEY_LENGTH);
	return key;
}

/* Keys are ours: 32 hexadecimal digits. Anything else is as good as none. */
static bool
is_key(const char *text)
{
	return text != NULL && strlen(text) == KEY_LENGTH && strspn(text, "0123456789abcdef") == KEY_LENGTH;
}

static void
on_expiry(void *context)
{
	Session *session = context;

	session->voice->dismiss(session, "token_expired", "the token has expired");
}

static void
watch_expiry(Session *session, int64_t expires)
{
	int64_t left = expires - (int64_t) time(NULL);

	timer_stop(&session->expiry);
	if (expires > 0)
		timer_start(&session->expiry, (uint64_t) (left > 0 ? left : 0) * 1000, on_expiry, session);
}

/* A session comes back before the network has told us that its old connection is dead. */
static void
take_over(const char *user, const char *key)
{
	Session *old = session_find(user, key);

	if (old != NULL)
		old->voice->dismiss(old, "taken_over", "The session goes on over another connection.");
}

Session *
gateway_admit(const Arrival *arrival, Refusal *refusal)
{
	Identity identity;
	Session *session;
	bool returns = is_key(arrival->key);

	if (!auth_verify(arrival->token, &identity, refusal))
		return NULL;
	if (returns)
		take_over(identity.user, arrival->key);
	session = session_new(identity.user, returns ? memory_copy(arrival->key) : new_key(),
						  memory_copy(arrival->position),
						  identity.claims);
	session->format = arrival->format;
	session->voice = arrival->voice;
	session->outbox = arrival->outbox;
	session->protocol = arrival->protocol;
	watch_expiry(session, identity.expires);
	list_append(&waiting, session_hold(session));
	ask_for_rooms();
	return session;
}

bool
gateway_renew(Session *session, const char *token, Refusal *refusal)
{
	Identity identity;

	if (!auth_verify(token, &identity, refusal))
		return false;
	if (strcmp(identity.user, session->user) != 0)
	{
		*refusal = (Refusal){ "token_wrong_user", "the token is for another user than the session" };
		free(identity.user);
		free(identity.claims);
		return false;
	}
	watch_expiry(session, identity.expires);
	free(session->claims);
	session->claims = identity.claims;
	free(identity.user);
	return true;
}

const char *
gateway_complaint(void)
{
	return reader_complaint();
}

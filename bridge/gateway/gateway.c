/*-------------------------------------------------------------------------
 *
 * gateway.c
 *	  The only way in and out of the bridge for a client.
 *
 * A session arrives in three steps: the database is asked for its rooms and its
 * place in the log, in one query for all who have come meanwhile, and then for the
 * rooms that it wants beside them; the reader reads past that place; what comes
 * after the place is replayed until nothing is left.  A new session begins at the
 * place of the answer, so that all go the same way.
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
#include "catchup/event_cache.h"
#include "fanout/room.h"
#include "gateway/action.h"
#include "gateway/presence_report.h"
#include "catchup/replay.h"
#include "source/database.h"
#include "source/reader.h"
#include "source/text_array.h"

#define ARRIVALS_AT_ONCE 1000
#define KEY_LENGTH 32

static Database *database;					/* for rooms */
static SessionList waiting;					/* nobody has asked for them yet */
static SessionList asking;					/* the query that runs now is for them */
static SessionList known;					/* they have their answer and wait for the reader */
static uint64_t held[EVENT_CACHE_SEGMENTS]; /* the segments of recent events when it was sent */
static SessionList full;					/* live ones that did not take the event which is being published */

static void ask_for_rooms(void);

static void
on_full(Session *session)
{
	session_list_append(&full, session_ref(session));
}

/* The reader's position is still before the event. */
static void
replay_to_full(void)
{
	Session *session;

	while ((session = session_list_take(&full)) != NULL)
	{
		session_fall_behind(session, reader_position());
		replay_later(session);
	}
}

/* Live, and kept for those who come back.  The frames are with the connections by now. */
static void
on_event(Event *event)
{
	room_publish(AUDIENCE_LIVE, event);
	replay_to_full();
	event_drop_frames(event);
	event_cache_add(event);
}

/* Relayed to those who are there, and forgotten. */
static void
on_signal(Event *event)
{
	metrics.signals++;
	room_publish(AUDIENCE_LIVE, event);
}

/* The reader has read past the places of those who came before it began. */
static void
on_reached(const char *position)
{
	SessionList arrived = { 0 };

	event_cache_reached(position);
	while (known.first != NULL && known.first->window <= reader_window())
		session_list_append(&arrived, session_list_take(&known));
	replay_begin(&arrived);
}

void
gateway_arrived(Session *session)
{
	session_list_append(&known, session_ref(session));
	reader_wake();
}

static void
dismiss_for_resync(Session *session, void *reason)
{
	if (session->state != SESSION_ARRIVING)
		session->ops->dismiss(session, "resync", reason);
}

static void
on_resync(const char *reason)
{
	event_cache_clear();
	session_each(dismiss_for_resync, (void *) reason);
}

enum
{
	COLUMN_ROOMS,
	COLUMN_UNREAD,
	COLUMN_RECOVERED,
	COLUMN_POSITION,
	COLUMN_SEEN,
	COLUMN_SEEN_IDS,
	COLUMN_HELD,
	COLUMN_BEHIND
};

static void
take_rooms(Session *session, const char *text)
{
	json_t *rooms = json_loads(text, 0, NULL);
	size_t i;
	json_t *room;

	json_array_foreach(rooms, i, room) room_join(session, json_string_value(room));
	json_decref(rooms);
}

static void
take_seen(Session *session, const char *snapshots_text, const char *ids_text)
{
	json_t *snapshots = json_loads(snapshots_text, 0, NULL);
	json_t *ids = json_loads(ids_text, 0, NULL);
	size_t i;
	json_t *snapshot;

	seen_snapshots_free(session->seen);
	session->seen = seen_snapshots_new((int) json_array_size(snapshots));
	json_array_foreach(snapshots, i, snapshot)
		seen_snapshots_add(session->seen, json_string_value(snapshot), json_integer_value(json_array_get(ids, i)));
	json_decref(snapshots);
	json_decref(ids);
}

/* Where the session goes on: its place in the log, and among the recent events. */
static void
take_place(Session *session, const PGresult *result, int row)
{
	int from = atoi(PQgetvalue(result, row, COLUMN_HELD));

	free(session->position);
	session->position = memory_copy(PQgetvalue(result, row, COLUMN_POSITION));
	take_seen(session, PQgetvalue(result, row, COLUMN_SEEN), PQgetvalue(result, row, COLUMN_SEEN_IDS));
	session->segment = from > 0 ? held[from - 1] : 0;
	session->window = reader_window() + 1;
	session->behind = atoll(PQgetvalue(result, row, COLUMN_BEHIND));
}

/* Rooms change with the events that a session gets: they are taken once, as they were at its position. */
static void
take_arrival(Session *session, const PGresult *result, int row)
{
	bool returns = session->position != NULL;

	session->recovered = PQgetvalue(result, row, COLUMN_RECOVERED)[0] == 't';
	if (returns && !session->recovered)
		log_info("not_recovered", "user", session->user, "position", session->position);
	metrics.recovered += session->recovered;
	metrics.not_recovered += returns && !session->recovered;
	session->unread = atoll(PQgetvalue(result, row, COLUMN_UNREAD));
	take_rooms(session, PQgetvalue(result, row, COLUMN_ROOMS));
}

/* The answer's row for a session; who has had one before, and now misses something, must come again. */
static void
take_answer(Session *session, const PGresult *result, int row)
{
	bool arrives = session->seen == NULL;

	if (arrives)
		take_arrival(session, result, row);
	else if (PQgetvalue(result, row, COLUMN_RECOVERED)[0] != 't')
	{
		session->ops->dismiss(session, "resync", "The log is not complete any more.");
		session_unref(session);
		return;
	}
	take_place(session, result, row);
	if (arrives && session->ops->join != NULL)
		session->ops->join(session);
	else
		session_list_append(&known, session_ref(session));
	session_unref(session);
}

static void
on_rooms(void *context, const PGresult *result)
{
	bool good = result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == asking.count;
	Session *session;

	(void) context;
	if (result != NULL && !good)
		log_error("rooms_unknown", "reason", PQresultErrorMessage(result));
	for (int row = 0; (session = session_list_take(&asking)) != NULL; row++)
	{
		if (session->state == SESSION_GONE)
			session_unref(session);
		else if (good)
			take_answer(session, result, row);
		else if (result == NULL)
			session_list_append(&waiting, session); /* asked again when the database is back */
		else
		{
			session->ops->dismiss(session, "unavailable", "The rooms of this user could not be found.");
			session_unref(session);
		}
	}
	reader_wake();
	ask_for_rooms();
}

/* The positions from which on recent events are held, as an array for SQL. */
static char *
held_positions(void)
{
	const char *positions[EVENT_CACHE_SEGMENTS];

	return text_array_write(positions, event_cache_segments(positions, held));
}

/* One query for all who wait; who comes while it runs shares the next one. */
static void
ask_for_rooms(void)
{
	const char *users[ARRIVALS_AT_ONCE];
	const char *keys[ARRIVALS_AT_ONCE];
	const char *positions[ARRIVALS_AT_ONCE];
	char *values[4];
	int count = 0;
	Session *session;

	if (asking.count > 0 || waiting.count == 0 || !database_is_connected(database))
		return;
	while (count < ARRIVALS_AT_ONCE && (session = session_list_take(&waiting)) != NULL)
	{
		users[count] = session->user;
		keys[count] = session->key;
		positions[count++] = session->position;
		session_list_append(&asking, session);
	}
	values[0] = text_array_write(users, count);
	values[1] = text_array_write(keys, count);
	values[2] = text_array_write(positions, count);
	values[3] = held_positions();
	database_query(database,
				   "SELECT array_to_json(rooms), unread, recovered, \"position\", array_to_json(seen_snapshots::text[]),"
				   " array_to_json(seen_ids), segments_before, lag_events"
				   " FROM herald_internal.connect_sessions($1, $2, $3, $4) ORDER BY ordinal",
				   4, (const char *const *) values, on_rooms, NULL);
	for (int i = 0; i < 4; i++)
		free(values[i]);
}

/* A session asks for its place: a new one, or one that could not be replayed to in one go. */
static void
ask_for(Session *session)
{
	session_list_append(&waiting, session);
	ask_for_rooms();
}

static void
on_connected(void *context)
{
	(void) context;
	ask_for_rooms();
}

/* Should the server come back from a crash, what it said of transactions is not true any more. */
static void
on_lost(void *context)
{
	Session *session;

	(void) context;
	while ((session = session_list_take(&known)) != NULL)
		session_list_append(&waiting, session);
}

void
gateway_start(const Config *config)
{
	static const ReaderEvents reader_events = { on_event, on_signal, on_reached, on_resync };
	static const DatabaseEvents database_events = { on_connected, on_lost, NULL };

	database = database_open("rooms", config->database, config->database_timeout, &database_events, NULL);
	session_on_full(on_full);
	event_cache_start(config);
	replay_start(config, ask_for);
	action_start(config);
	presence_report_start(config);
	reader_start(config, &reader_events);
}

void
gateway_leave(void)
{
	presence_report_give_up();
}

void
gateway_stop(void)
{
	presence_report_stop();
	reader_stop();
	action_stop();
	replay_stop();
	event_cache_clear();
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

	session->ops->dismiss(session, "token_expired", "the token has expired");
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
		old->ops->dismiss(old, "taken_over", "The session goes on over another connection.");
}

Session *
gateway_admit(const Arrival *arrival, Refusal *refusal)
{
	Identity identity;
	Session *session;
	bool returns = is_key(arrival->key);

	if (!auth_verify(arrival->token, arrival->from, &identity, refusal))
		return NULL;
	if (returns)
		take_over(identity.user, arrival->key);
	session = session_new(identity.user, returns ? memory_copy(arrival->key) : new_key(),
						  memory_copy(arrival->position),
						  identity.claims);
	session->format = arrival->format;
	session->ops = arrival->ops;
	session->outbox = arrival->outbox;
	session->protocol = arrival->protocol;
	watch_expiry(session, identity.expires);
	ask_for(session_ref(session));
	return session;
}

bool
gateway_renew(Session *session, const char *token, ClientAddress from, Refusal *refusal)
{
	Identity identity;

	if (!auth_verify(token, from, &identity, refusal))
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

void
gateway_relay(Event *event)
{
	if (reader_position() == NULL)
		return;
	event->ephemeral = true;
	event->position = memory_copy(reader_position());
	room_publish(AUDIENCE_LIVE, event);
}

char *
gateway_state(bool *ready)
{
	return reader_state(ready);
}

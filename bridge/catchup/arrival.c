/*-------------------------------------------------------------------------
 *
 * arrival.c
 *	  Takes sessions from their admission to the replay of the events that they missed.
 *
 * A session becomes live on the same road, whether it is new, comes back, or could
 * not keep up.  These are its steps; each is a list of session_state.h.
 *
 * 1. TO_LOCATE, TO_RECHECK.  A session is admitted.  It brings the position of its client; a new
 *	  client has none.  The session waits for the end of the query that runs.  A session that is
 *	  located again waits in the second list.  The queries serve both lists by turns, so that
 *	  the many sessions of one room delay no arrival by more than one query.
 *	  A session with many joined rooms takes long to check, so it delays nobody: it waits in lone_arrivals.c for
 *	  a query of its own, on another connection.  The query of step 2 finds the sessions that remember many.
 *
 * 2. BEING_LOCATED.  One query, herald_internal.connect_sessions(), locates up to 1,000 sessions of one list.
 *	  Its first statement checks the access to rooms: those that the session has joined, those that are remembered
 *	  under its key, those that its client asks for.  The snapshot of this statement is "checked".  Its second
 *	  statement, with a later snapshot, finds the position from which to go on, the snapshots that this position
 *	  stands for, and the automatic rooms there.  For a new client, and for one that cannot be recovered, the
 *	  position is that of "checked".  No position sees more, so the session gets each recheck that the check has not
 *	  considered.  The session enters the rooms of its first answer.  Later answers only take it out of rooms: its
 *	  client may have left some meanwhile.  A session whose token is revoked is dismissed.  If the connection to the
 *	  database is lost, the session goes back to step 1.  If the query fails, each of its sessions gets a query of
 *	  its own, so that none fails because of another.
 *
 * 3. AWAITING_READER.  The reader reads the log in windows.  The session waits for the end of a window that
 *	  began after the answer: by then the reader has read past the position, and each later event reaches the live
 *	  audience.  If the connection to the database is lost, the session goes back to step 1: a crashed server may
 *	  give the transaction ids that the snapshots see to other transactions.
 *
 * 4. READING_CACHE.  If the event cache reaches back to the position, the session enters the audience
 *	  CACHE_REPLAY and is welcomed.  The cached events are published there, and the session takes those that its
 *	  snapshots do not see.  It goes live in the same turn of the event loop, so that no event comes in between.
 *
 * 5. AWAITING_LOG, READING_LOG.  If the cache begins later, the session waits for a reading of the log
 *	  (replay.c).  The reading serves all sessions that miss about as many events.  To the audience LOG_REPLAY it
 *	  publishes the log, page by page, from the earliest of their positions up to the cache, and then the cache.
 *	  The session is welcomed before the first page, and goes live after the last event.
 *
 * 6. AWAITING_RETRY.  In steps 4 and 5 a session stalls before an event for which its outbox has
 *	  no space, and before a recheck that concerns it and is not visible in "checked".  It gets no
 *	  more events, and its position moves after the last one.  It goes back to step 1: for a
 *	  recheck at once, else when the outbox is empty (pause.c).  So do, after a while, all sessions
 *	  of a reading that failed.  A session that has been welcomed and cannot be recovered any
 *	  more is dismissed with "resync"; its client comes back as a new one.
 *
 * 7. FALLING_BEHIND.  A live session may stall before an event for the same two reasons (relay.c).  After
 *	  the publication it goes to step 6 with the reader's position, which is still before the event.
 *
 * So access that is withdrawn ends at its recheck: no session passes a recheck that concerns it
 * before the database has checked its access with a snapshot that sees the recheck.  After each check
 * the session passes one recheck at least: rechecks in quick succession delay it, but do not stop it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "catchup/arrival.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "catchup/event_cache.h"
#include "catchup/joined_rooms.h"
#include "catchup/lone_arrivals.h"
#include "catchup/pause.h"
#include "catchup/replay.h"
#include "fanout/room.h"
#include "fanout/session_list.h"
#include "fanout/user_work.h"
#include "source/database.h"
#include "source/reader.h"
#include "source/text_array.h"

/* At most so many sessions are located by one query, and each has joined so many rooms at most. */
#define SESSIONS_AT_ONCE 1000
#define ROOMS_AT_ONCE 100

/* A query that locates sessions. */
typedef struct Locator
{
	Database *database;
	SessionList being_located;
	uint64_t segments[EVENT_CACHE_SEGMENTS]; /* numbers of the event cache's, when the query was sent */
} Locator;

static struct
{
	const Config *config;
	Locator shared;
	Locator alone; /* for sessions with more rooms, one at a time */
	SessionList to_locate;
	SessionList to_recheck;
	SessionList awaiting_reader;
	bool rechecks_next; /* the latest shared query was for arrivals */
} arrivals = {
	.shared = { .being_located = { .kind = LIST_BEING_LOCATED } },
	.alone = { .being_located = { .kind = LIST_BEING_LOCATED } },
	.to_locate = { .kind = LIST_TO_LOCATE },
	.to_recheck = { .kind = LIST_TO_RECHECK },
	.awaiting_reader = { .kind = LIST_AWAITING_READER },
};

static void locate_sessions(void);

/* The columns of the query's answer. */
enum
{
	COLUMN_ROOMS,
	COLUMN_UNREAD,
	COLUMN_RECOVERED,
	COLUMN_POSITION,
	COLUMN_SEEN_SNAPSHOTS,
	COLUMN_SEEN_IDS,
	COLUMN_SEGMENTS_BEFORE, /* so many segments of the event cache begin at or before the position */
	COLUMN_LAG_EVENTS,
	COLUMN_JOINED,
	COLUMN_CHECKED,
	COLUMN_REVOKED
};

static void
join_rooms(Session *session, const char *text)
{
	json_t *rooms = json_loads(text, 0, NULL);
	size_t i;
	json_t *room;

	json_array_foreach(rooms, i, room) room_join(session, json_string_value(room));
	json_decref(rooms);
}

static SeenSnapshots *
read_snapshots(const char *snapshots_text, const char *ids_text)
{
	json_t *snapshots = json_loads(snapshots_text, 0, NULL);
	json_t *ids = json_loads(ids_text, 0, NULL);
	SeenSnapshots *seen = seen_snapshots_new((int) json_array_size(snapshots));
	size_t i;
	json_t *snapshot;

	json_array_foreach(snapshots, i, snapshot)
		seen_snapshots_add(seen, json_string_value(snapshot), json_integer_value(json_array_get(ids, i)));
	json_decref(snapshots);
	json_decref(ids);
	return seen;
}

static void
take_position(const Locator *locator, Session *session, const PGresult *result, int row)
{
	int segments_before = atoi(PQgetvalue(result, row, COLUMN_SEGMENTS_BEFORE));
	int64_t lag_events = atoll(PQgetvalue(result, row, COLUMN_LAG_EVENTS));
	uint64_t segment;

	assert(segments_before >= 0 && segments_before <= EVENT_CACHE_SEGMENTS);
	segment = segments_before > 0 ? locator->segments[segments_before - 1] : 0;
	catchup_cursor_locate(&session->cursor, memory_copy(PQgetvalue(result, row, COLUMN_POSITION)),
						  read_snapshots(PQgetvalue(result, row, COLUMN_SEEN_SNAPSHOTS),
										 PQgetvalue(result, row, COLUMN_SEEN_IDS)));
	catchup_cursor_plan(&session->cursor, segment, reader_window() + 1, lag_events);
}

/* Rooms change with the events that a session gets: it takes them once, as they were at its position. */
static void
take_first_answer(Session *session, const PGresult *result, int row)
{
	static LogLimit limit;
	bool returns = session->cursor.position != NULL;
	bool recovered = returns && PQgetvalue(result, row, COLUMN_RECOVERED)[0] == 't';

	catchup_cursor_set_recovered(&session->cursor, recovered);
	if (returns && !recovered)
		log_limited(&limit, LOG_LEVEL_INFO, "not_recovered", "user", session->user, "position", session->cursor.position);
	metrics.recovered += recovered;
	metrics.not_recovered += returns && !recovered;
	session->unread = atoll(PQgetvalue(result, row, COLUMN_UNREAD));
	join_rooms(session, PQgetvalue(result, row, COLUMN_ROOMS));
}

/* Takes a session's row of the answer.  Takes over the reference. */
static void
take_answer(const Locator *locator, Session *session, const PGresult *result, int row)
{
	bool is_first = !catchup_cursor_is_located(&session->cursor);

	if (PQgetvalue(result, row, COLUMN_REVOKED)[0] == 't')
	{
		session->ops->dismiss(session, "token_revoked", "the token has been revoked", 0);
		session_unref(session);
		return;
	}
	if (PQgetisnull(result, row, COLUMN_JOINED))
	{
		lone_arrivals_add(session);
		return;
	}
	if (is_first)
		take_first_answer(session, result, row);
	else if (PQgetvalue(result, row, COLUMN_RECOVERED)[0] != 't')
	{
		session->ops->dismiss(session, "resync", "missed events cannot be recovered", 0);
		session_unref(session);
		return;
	}
	take_position(locator, session, result, row);
	joined_rooms_take(session, PQgetvalue(result, row, COLUMN_JOINED), PQgetvalue(result, row, COLUMN_CHECKED),
					  is_first, arrivals.config->max_rooms);
	if (is_first)
		user_work_arrived(session->user, session->rooms.joined);
	session_list_append(&arrivals.awaiting_reader, session);
}

/* Has a session located: the first time, or once more.  Takes over the reference. */
static void
await_query(Session *session)
{
	if (session->rooms.joined > ROOMS_AT_ONCE)
		lone_arrivals_add(session);
	else if (catchup_cursor_is_located(&session->cursor))
		session_list_append(&arrivals.to_recheck, session);
	else
		session_list_append(&arrivals.to_locate, session);
}

static void
arrival_on_located(void *context, const PGresult *result)
{
	static LogLimit limit;
	Locator *locator = context;
	bool is_shared = locator->being_located.count > 1;
	bool good = result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK &&
				PQntuples(result) == locator->being_located.count;
	Session *session;

	if (result != NULL && !good)
		log_limited(&limit, LOG_LEVEL_ERROR, "rooms_unknown", "message", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	for (int row = 0; (session = session_list_take(&locator->being_located)) != NULL; row++)
	{
		if (session->state == SESSION_GONE)
			session_unref(session);
		else if (good)
			take_answer(locator, session, result, row);
		else if (result == NULL)
			await_query(session); /* until the database is back */
		else if (is_shared && lone_arrivals_may_pass(result))
			lone_arrivals_add(session); /* one of them fails */
		else
		{
			session->ops->dismiss(session, "unavailable", "the rooms of this user could not be found", 0);
			session_unref(session);
		}
	}
	if (locator == &arrivals.alone)
		lone_arrivals_end();
	reader_wake();
	locate_sessions();
}

/* Returns the positions at which the segments of the event cache begin, as an array for SQL. */
static char *
cached_positions(Locator *locator)
{
	const char *positions[EVENT_CACHE_SEGMENTS];

	return text_array_write(positions, event_cache_segments(positions, locator->segments));
}

/* Sends one query for the sessions being located. */
static void
send_query(Locator *locator)
{
	bool shared = locator == &arrivals.shared;
	const char *users[SESSIONS_AT_ONCE];
	const char *keys[SESSIONS_AT_ONCE];
	const char *positions[SESSIONS_AT_ONCE];
	const char *asked[SESSIONS_AT_ONCE];
	char *held[SESSIONS_AT_ONCE];
	char *issued[SESSIONS_AT_ONCE];
	char *values[9];
	int count = 0;

	for (Session *session = locator->being_located.first; session != NULL; session = session->next_in_list)
	{
		users[count] = session->user;
		keys[count] = session->key;
		positions[count] = session->cursor.position;
		asked[count] = session->asked;
		issued[count] = session_issued_text(session);
		held[count++] = joined_rooms_held(session);
	}
	values[0] = text_array_write(users, count);
	values[1] = text_array_write(keys, count);
	values[2] = text_array_write(positions, count);
	values[3] = cached_positions(locator);
	values[4] = text_array_write((const char *const *) held, count);
	values[5] = text_array_write(asked, count);
	values[6] = memory_format("%ld", shared ? ROOMS_AT_ONCE : arrivals.config->max_rooms);
	values[7] = memory_copy(shared ? "true" : "false");
	values[8] = text_array_write((const char *const *) issued, count);
	database_query(locator->database,
				   "SELECT pg_catalog.array_to_json(rooms), unread, recovered, \"position\", pg_catalog.array_to_json(seen_snapshots::pg_catalog.text[]),"
				   " pg_catalog.array_to_json(seen_ids), segments_before, lag_events, joined, checked, revoked"
				   " FROM herald_internal.connect_sessions($1, $2, $3, $4, $5, $6, $7, $8, $9) ORDER BY ordinal",
				   9, (const char *const *) values, arrival_on_located, locator);
	for (int i = 0; i < 9; i++)
		free(values[i]);
	for (int i = 0; i < count; i++)
	{
		free(held[i]);
		free(issued[i]);
	}
}

/* Takes sessions of a list for the next query. */
static void
take_waiting(Locator *locator, SessionList *list)
{
	Session *session;

	while (locator->being_located.count < SESSIONS_AT_ONCE && (session = session_list_take(list)) != NULL)
	{
		if (session->state == SESSION_GONE)
			session_unref(session);
		else
			session_list_append(&locator->being_located, session);
	}
}

static bool
is_idle(const Locator *locator)
{
	return locator->being_located.count == 0 && locator->database != NULL && database_is_connected(locator->database);
}

/* Chooses the list for the next shared query: both by turns. */
static SessionList *
next_list(void)
{
	bool rechecks = arrivals.to_recheck.count > 0 && (arrivals.rechecks_next || arrivals.to_locate.count == 0);

	arrivals.rechecks_next = !rechecks;
	return rechecks ? &arrivals.to_recheck : &arrivals.to_locate;
}

/* Those that come while a query runs share the next ones. */
static void
locate_sessions(void)
{
	Session *session;

	if (is_idle(&arrivals.shared))
	{
		while (arrivals.shared.being_located.count == 0 && arrivals.to_locate.count + arrivals.to_recheck.count > 0)
			take_waiting(&arrivals.shared, next_list());
		if (arrivals.shared.being_located.count > 0)
			send_query(&arrivals.shared);
	}
	if (is_idle(&arrivals.alone) && (session = lone_arrivals_take()) != NULL)
	{
		session_list_append(&arrivals.alone.being_located, session);
		send_query(&arrivals.alone);
	}
}

void
arrival_begin(Session *session)
{
	await_query(session);
	locate_sessions();
}

void
arrival_reader_reached(const char *position)
{
	SessionList arrived = { .kind = LIST_AWAITING_READER };
	SessionList *waiting = &arrivals.awaiting_reader;

	room_window_read(reader_window());
	event_cache_reached(position);
	while (waiting->first != NULL && waiting->first->cursor.reader_window <= reader_window())
		session_list_append(&arrived, session_list_take(waiting));
	replay_begin(&arrived);
}

static void
arrival_on_connected(void *context)
{
	(void) context;
	locate_sessions();
}

/* A crashed server may give the transaction ids that the snapshots see to other transactions. */
static void
arrival_on_lost(void *context)
{
	Session *session;

	(void) context;
	while ((session = session_list_take(&arrivals.awaiting_reader)) != NULL)
		await_query(session);
}

void
arrival_start(const Config *config)
{
	static const DatabaseEvents events = { arrival_on_connected, arrival_on_lost, NULL };

	arrivals.config = config;
	arrivals.shared.database = database_open("rooms", config->database, config->database_timeout, &events, NULL);
	arrivals.alone.database = database_open("many rooms", config->database, config->database_timeout, &events, NULL);
	event_cache_start(config);
	pause_start(arrival_begin);
	lone_arrivals_start(locate_sessions);
	replay_start(config);
}

/* Its query is answered while it closes; then nothing may use it. */
static void
close_locator(Locator *locator)
{
	database_close(locator->database);
	locator->database = NULL;
}

void
arrival_stop(void)
{
	replay_stop();
	pause_stop();
	event_cache_clear();
	close_locator(&arrivals.shared);
	close_locator(&arrivals.alone);
	lone_arrivals_stop();
}

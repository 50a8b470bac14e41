/*-------------------------------------------------------------------------
 *
 * typist.c
 *	  Tracks where the sessions of this bridge type.
 *
 * 1. A client may say typing:start with each key.  The first one is done.  Others only prolong the typing, until
 *	  TYPING_REPEAT_MS have passed since the last one that was done.
 *
 * 2. Typing ends with typing:stop.  If the client says nothing for TYPING_SILENCE_MS, or leaves, the bridge does that
 *	  action for it.  None of both is done while another session of the user types in the same place, here or on
 *	  another bridge: typing that goes on there is told more often than typing ends, and this bridge hears that by a
 *	  later transaction than its own.
 *
 * 3. All typing lasts for the same time.  So the list of all is in the order of the ends, and has one timer.
 *
 * 4. The database checks access to the place: typing is noted when the action was done.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/typist.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/json.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "fanout/user.h"
#include "gateway/typing_guard.h"

/* The latest places of a session are tracked.  No place that exists has a longer name. */
#define MOST_PLACES 8
#define LONGEST_PLACE 300

/* Lives until the end of the typing, or as long after a typing:stop. */
typedef struct Typing
{
	Session *session;
	bool stopped;	  /* the client has said so */
	uint64_t told_at; /* others know this since then, by loop_now() */
	uint64_t xid;	  /* the transaction that told it */
	uint64_t ends_at;
	struct Typing *next; /* of all */
	struct Typing *prev;
	struct Typing *next_of_session;
	char place[];
} Typing;

static struct
{
	Typing *all; /* the one that ends first comes first */
	Timer timer;
	void (*end)(Session *session, const json_t *payload);
} typists;

static void typist_on_time(void *context);

static void
watch_ends(void)
{
	uint64_t now = loop_now();

	if (typists.all == NULL)
		timer_stop(&typists.timer);
	else
		timer_start(&typists.timer, typists.all->ends_at > now ? typists.all->ends_at - now : 0, typist_on_time, NULL);
}

/* The members of payloads that name places, with the rooms that they stand for; the first one counts. */
static const struct
{
	const char *member;
	const char *prefix;
} place_kinds[] = { { "conversationId", "conversation:" }, { "receiverId", "user:" } };

#define PLACE_KINDS (sizeof(place_kinds) / sizeof(*place_kinds))

/*
 * Returns the room that a payload names, as herald_internal.signal_typing() reads it: an id may be a number or a text.
 * NULL: none that is of use.
 */
static char *
place_of(const char *payload)
{
	json_t *data = json_read(payload);
	char *place = NULL;

	for (size_t i = 0; place == NULL && i < PLACE_KINDS; i++)
	{
		const json_t *id = json_object_get(data, place_kinds[i].member);

		if (json_is_string(id))
			place = memory_format("%s%s", place_kinds[i].prefix, json_string_value(id));
		else if (json_is_integer(id))
			place = memory_format("%s%lld", place_kinds[i].prefix, (long long) json_integer_value(id));
	}
	json_decref(data);
	if (place != NULL && strlen(place) <= LONGEST_PLACE)
		return place;
	free(place);
	return NULL;
}

/* Returns a payload that names a place. */
static json_t *
payload_of(const char *place)
{
	size_t kind = 0;

	while (kind + 1 < PLACE_KINDS && strncmp(place, place_kinds[kind].prefix, strlen(place_kinds[kind].prefix)) != 0)
		kind++;
	return json_pack("{s:s}", place_kinds[kind].member, place + strlen(place_kinds[kind].prefix));
}

static Typing *
find_typing(const Session *session, const char *place)
{
	Typing *typing = session->typing;

	while (typing != NULL && strcmp(typing->place, place) != 0)
		typing = typing->next_of_session;
	return typing;
}

static void
drop_typing(Typing *typing)
{
	DL_DELETE(typists.all, typing);
	LL_DELETE2(typing->session->typing, typing, next_of_session);
	free(typing);
}

static Typing *
create_typing(Session *session, const char *place)
{
	Typing *typing = memory_new(sizeof(Typing) + strlen(place) + 1);
	const Typing *other;
	int places;

	LL_COUNT2(session->typing, other, places, next_of_session);
	if (places >= MOST_PLACES)
		drop_typing(session->typing);
	typing->session = session;
	strcpy(typing->place, place);
	LL_APPEND2(session->typing, typing, next_of_session);
	DL_APPEND(typists.all, typing);
	return typing;
}

/* The client has said something: the typing is the last one to end. */
static void
prolong(Typing *typing)
{
	DL_DELETE(typists.all, typing);
	DL_APPEND(typists.all, typing);
	typing->ends_at = loop_now() + TYPING_SILENCE_MS;
	watch_ends();
}

/* The session has told that it types by this transaction; 0: it has not. */
static bool
types_elsewhere(const Session *session, const char *place, uint64_t xid)
{
	const Session *one = user_sessions(session->user);
	char *key;
	bool heard;

	for (; one != NULL; one = one->next_of_user)
	{
		const Typing *other = one != session ? find_typing(one, place) : NULL;

		if (other != NULL && !other->stopped)
			return true;
	}
	key = memory_format("typing:%s:%s", place, session->user); /* as herald_internal.signal_typing() makes it */
	heard = typing_guard_heard(key, xid);
	free(key);
	return heard;
}

/* The action may need the place when the typing is gone. */
static void
end_typing(Typing *typing)
{
	Session *session = typing->session;
	json_t *payload = payload_of(typing->place);
	bool ends = !typing->stopped && !types_elsewhere(session, typing->place, typing->xid);

	assert(typists.end != NULL);
	drop_typing(typing);
	if (ends)
	{
		metrics.typing_ended++;
		typists.end(session, payload);
	}
	json_decref(payload);
}

static void
typist_on_time(void *context)
{
	(void) context;
	while (typists.all != NULL && typists.all->ends_at <= loop_now())
		end_typing(typists.all);
	watch_ends();
}

static bool
is_start(const char *action)
{
	return strcmp(action, "typing:start") == 0;
}

static bool
is_typing(const char *action)
{
	return is_start(action) || strcmp(action, "typing:stop") == 0;
}

void
typist_on_end(void (*end)(Session *session, const json_t *payload))
{
	typists.end = end;
}

/* Others know that the user types, and that goes on elsewhere: the session ends its own typing only. */
static bool
stops_alone(const Session *session, const char *place, Typing *typing)
{
	if (!types_elsewhere(session, place, typing != NULL ? typing->xid : 0))
		return false;
	if (typing != NULL)
		typing->stopped = true;
	return true;
}

bool
typist_repeats(Session *session, const char *action, const char *payload)
{
	char *place = is_typing(action) ? place_of(payload) : NULL;
	Typing *typing = place ? find_typing(session, place) : NULL;
	bool goes_on = typing != NULL && typing->stopped != is_start(action);
	bool repeats = goes_on && loop_now() < typing->told_at + TYPING_REPEAT_MS;

	if (goes_on)
		prolong(typing);
	if (place != NULL && !repeats && !is_start(action))
		repeats = stops_alone(session, place, typing);
	free(place);
	metrics.typing_debounced += repeats;
	return repeats;
}

/* Others have been told of a start: of all sessions of the user that type there. */
static void
note_told(const char *user, const char *place, uint64_t xid)
{
	for (const Session *one = user_sessions(user); one != NULL; one = one->next_of_user)
	{
		Typing *typing = find_typing(one, place);

		if (typing == NULL || typing->stopped)
			continue;
		typing->told_at = loop_now();
		if (typing->xid < xid)
			typing->xid = xid;
	}
}

void
typist_told(Session *session, const char *action, const char *payload, uint64_t xid)
{
	char *place = is_typing(action) ? place_of(payload) : NULL;
	Typing *typing;

	if (place == NULL)
		return;
	typing = find_typing(session, place);
	if (typing == NULL)
		typing = create_typing(session, place);
	typing->stopped = !is_start(action);
	typing->told_at = loop_now();
	if (!typing->stopped && typing->xid < xid)
		typing->xid = xid; /* the session may have left its user */
	prolong(typing);
	if (!typing->stopped)
		note_told(session->user, place, xid);
	free(place);
	if (session->state == SESSION_GONE)
		typist_leave(session);
}

/* The action may be done after the session has left. */
void
typist_leave(Session *session)
{
	while (session->typing != NULL)
		end_typing(session->typing);
	watch_ends();
}

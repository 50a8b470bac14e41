/*-------------------------------------------------------------------------
 *
 * typing_guard.c
 *	  Ends typing for the sessions of this bridge when nobody else does.
 *
 * The bridge of the typist ends typing in time (typist.c).  If it dies, or loses the database, its end never comes.
 * Typing that goes on is told again before it could end, so typing of which nothing was heard for longer is over:
 * each bridge tells its own sessions.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/typing_guard.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"

/* A start is told at the latest so long after the one before, with a second for the way. */
#define LONGEST_TYPING_MS (TYPING_REPEAT_MS + TYPING_SILENCE_MS + 1000)

/* The memory is bounded: more typing ends without this bridge. */
#define MOST_TYPING 10000

/* Typing of a user in a room. */
typedef struct GuardedTyping
{
	Event *end; /* its key is that of the hash */
	uint64_t ends_at;
	uint64_t xid; /* the latest transaction that has told it */
	struct GuardedTyping *next;
	struct GuardedTyping *prev;
	UT_hash_handle hh;
} GuardedTyping;

static struct
{
	GuardedTyping *by_key;
	GuardedTyping *all; /* the one that ends first comes first */
	Timer timer;
	void (*publish)(Event *event);
} guard;

static void guard_on_time(void *context);

static void
guard_next(void)
{
	uint64_t now = loop_now();

	if (guard.all == NULL)
		timer_stop(&guard.timer);
	else
		timer_start(&guard.timer, guard.all->ends_at > now ? guard.all->ends_at - now : 0, guard_on_time, NULL);
}

/* Returns the event that ends the typing which this event begins. */
static Event *
end_of(const Event *start)
{
	Event *end = event_new();

	end->name = memory_copy("typing:stop");
	end->payload = memory_copy(start->payload);
	end->key = memory_copy(start->key);
	end->except = memory_copy(start->except);
	end->rooms = memory_new(sizeof(char *) * (size_t) start->room_count);
	for (; end->room_count < start->room_count; end->room_count++)
		end->rooms[end->room_count] = memory_copy(start->rooms[end->room_count]);
	return end;
}

static void
forget_guarded(GuardedTyping *typing)
{
	HASH_DEL(guard.by_key, typing);
	DL_DELETE(guard.all, typing);
	event_unref(typing->end);
	free(typing);
}

static GuardedTyping *
guard_typing(const Event *start)
{
	GuardedTyping *typing = memory_new(sizeof(GuardedTyping));

	if (HASH_COUNT(guard.by_key) >= MOST_TYPING)
		forget_guarded(guard.all);
	typing->end = end_of(start);
	HASH_ADD_KEYPTR(hh, guard.by_key, typing->end->key, strlen(typing->end->key), typing);
	DL_APPEND(guard.all, typing);
	return typing;
}

static void
guard_on_time(void *context)
{
	(void) context;
	while (guard.all != NULL && guard.all->ends_at <= loop_now())
	{
		metrics.typing_ended++;
		guard.publish(guard.all->end);
		forget_guarded(guard.all);
	}
	guard_next();
}

void
typing_guard_see(const Event *event)
{
	bool starts = strcmp(event->name, "typing:start") == 0;
	GuardedTyping *typing = NULL;

	if (event->key == NULL || (!starts && strcmp(event->name, "typing:stop") != 0))
		return;
	HASH_FIND_STR(guard.by_key, event->key, typing);
	if (!starts && typing != NULL)
		forget_guarded(typing);
	if (starts && typing == NULL)
		typing = guard_typing(event);
	if (starts)
	{
		DL_DELETE(guard.all, typing);
		DL_APPEND(guard.all, typing);
		typing->ends_at = loop_now() + LONGEST_TYPING_MS;
		if (typing->xid < event->xid)
			typing->xid = event->xid;
	}
	guard_next();
}

bool
typing_guard_heard(const char *key, uint64_t xid)
{
	const GuardedTyping *typing;

	HASH_FIND_STR(guard.by_key, key, typing);
	return typing != NULL && typing->xid > xid;
}

void
typing_guard_start(void (*publish)(Event *event))
{
	guard.publish = publish;
}

void
typing_guard_stop(void)
{
	while (guard.all != NULL)
		forget_guarded(guard.all);
	guard_next();
}

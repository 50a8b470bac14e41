/*-------------------------------------------------------------------------
 *
 * chosen_status.c
 *	  Lets a user choose a status often, and tells others seldom.
 *
 * 1. The first presence:set is done at once.  For STATUS_REPEAT_MS after it the bridge answers others of the same user
 *	  itself, and does the latest at the end, also if the client has left.  If the database cannot be reached then,
 *	  it is done as long after, until the database is back.
 *
 * 2. A choice counts for all sessions of the user.  Each bridge puts off by itself, and says how old the choice is: the
 *	  database keeps a later one of another bridge.
 *
 * 3. All wait for the same time.  So the list of all is in the order of the ends, and has one timer.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/chosen_status.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/json.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/timer.h"

/* A choice that others have been told of. */
typedef struct ChosenStatus
{
	uint64_t ends_at;	/* until then the next one is put off */
	Session *session;	/* of the latest one that was put off and is not done, a reference; or NULL */
	const char *status; /* the latest one that was put off */
	uint64_t chosen_at; /* when it was, by loop_now() */
	const char *doing;	/* the one that is being done; or NULL */
	struct ChosenStatus *next;
	struct ChosenStatus *prev;
	UT_hash_handle hh;
	char user[];
} ChosenStatus;

static struct
{
	ChosenStatus *by_user;
	ChosenStatus *all; /* the one that ends first comes first */
	Timer timer;
	void (*choose)(Session *session, const json_t *payload);
} statuses;

static const char *const status_names[] = { "online", "away", "busy", "invisible" };
static const char *const status_answers[] = { "{\"status\":\"online\"}", "{\"status\":\"away\"}",
											  "{\"status\":\"busy\"}", "{\"status\":\"invisible\"}" };

static bool
is_choice(const char *action)
{
	return strcmp(action, "presence:set") == 0;
}

static ChosenStatus *
find_status(const char *user)
{
	ChosenStatus *status;

	HASH_FIND_STR(statuses.by_user, user, status);
	return status;
}

/* Does what was put off, unless one goes on already.  Returns false if nothing was. */
static bool
choose_again(ChosenStatus *status)
{
	json_t *payload;

	assert(statuses.choose != NULL);
	if (status->session == NULL || status->doing != NULL)
		return status->session != NULL;
	payload = json_pack("{s:s,s:I}", "status", status->status, "age", (json_int_t) (loop_now() - status->chosen_at));
	status->doing = status->status;
	statuses.choose(status->session, payload);
	json_decref(payload);
	return true;
}

static void
forget_session(ChosenStatus *status)
{
	if (status->session != NULL)
		session_unref(status->session);
	status->session = NULL;
}

static void
forget_status(ChosenStatus *status)
{
	forget_session(status);
	HASH_DEL(statuses.by_user, status);
	DL_DELETE(statuses.all, status);
	free(status);
}

/* The next one waits from now on. */
static void
begin_wait(ChosenStatus *status)
{
	status->ends_at = loop_now() + STATUS_REPEAT_MS;
	DL_APPEND(statuses.all, status);
}

static void status_on_time(void *context);

static void
watch_waits(void)
{
	uint64_t now = loop_now();

	if (statuses.all == NULL)
		timer_stop(&statuses.timer);
	else
		timer_start(&statuses.timer, statuses.all->ends_at > now ? statuses.all->ends_at - now : 0, status_on_time,
					NULL);
}

static void
status_on_time(void *context)
{
	(void) context;
	while (statuses.all != NULL && statuses.all->ends_at <= loop_now())
	{
		ChosenStatus *status = statuses.all;

		if (choose_again(status))
		{
			DL_DELETE(statuses.all, status);
			begin_wait(status);
		}
		else
			forget_status(status);
	}
	watch_waits();
}

void
chosen_status_on_due(void (*choose)(Session *session, const json_t *payload))
{
	statuses.choose = choose;
}

/* Returns the place of a status among the names; -1: it is none, and the database says so. */
static int
place_of_status(const char *payload)
{
	json_t *data = json_read(payload);
	const char *status = json_member(data, "status");
	int place = (int) (sizeof(status_names) / sizeof(*status_names)) - 1;

	while (place >= 0 && (status == NULL || strcmp(status, status_names[place]) != 0))
		place--;
	json_decref(data);
	return place;
}

const char *
chosen_status_put_off(Session *session, const char *action, const char *payload)
{
	ChosenStatus *waiting = is_choice(action) ? find_status(session->user) : NULL;
	int place = waiting != NULL ? place_of_status(payload) : -1;

	if (place < 0)
		return NULL;
	forget_session(waiting);
	waiting->session = session_ref(session);
	waiting->status = status_names[place];
	waiting->chosen_at = loop_now();
	metrics.presence_debounced++;
	return status_answers[place];
}

void
chosen_status_told(const Session *session, const char *action)
{
	ChosenStatus *status;

	if (!is_choice(action) || find_status(session->user) != NULL)
		return;
	status = memory_new(sizeof(ChosenStatus) + strlen(session->user) + 1);
	strcpy(status->user, session->user);
	HASH_ADD_STR(statuses.by_user, user, status);
	begin_wait(status);
	watch_waits();
}

void
chosen_status_answered(const Session *session, const char *action, bool reached)
{
	ChosenStatus *status = is_choice(action) ? find_status(session->user) : NULL;

	if (status == NULL)
		return;
	if (reached && status->doing == status->status)
		forget_session(status);
	status->doing = NULL;
}

void
chosen_status_flush(void)
{
	while (statuses.all != NULL)
	{
		ChosenStatus *status = statuses.all;

		if (status->doing != status->status)
			status->doing = NULL; /* the latest comes behind it */
		choose_again(status);
		forget_status(status);
	}
	watch_waits();
}

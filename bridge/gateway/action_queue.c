/*-------------------------------------------------------------------------
 *
 * action_queue.c
 *	  Gives the actions of clients their turns on the connections to the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/action_queue.h"

#include <assert.h>

#include "base/loop.h"
#include "fanout/user_work.h"

#define CONNECTIONS 4

/*
 * More waiting actions of all clients than this, or more bytes of them, are refused.  No user may have more than is
 * left of it, so that something is always left for the others.
 */
#define LONGEST_QUEUE 10000
#define LARGEST_QUEUE (16 * 1024 * 1024)

static struct
{
	const Config *config;
	Database *connections[CONNECTIONS];
	double cpu_times[CONNECTIONS]; /* of their backends, at the end of the latest action */
	FairQueue waiting;
	bool starting; /* start_actions() runs */
	bool stopped;
} action_queue;

/* Returns a connection that runs nothing; if none is connected, any: its actions fail at once.  NULL: all are busy. */
static Database *
idle_connection(void)
{
	Database *any = action_queue.connections[0];

	for (int i = 0; i < CONNECTIONS; i++)
	{
		Database *connection = action_queue.connections[i];

		if (database_is_connected(connection) && database_load(connection) == 0)
			return connection;
		if (database_is_connected(connection))
			any = NULL;
	}
	return any;
}

/* Starts what can run now.  An action may end at once, and so call this again: the loop goes on then. */
static void
start_actions(void)
{
	Database *connection;
	QueuedAction *action;

	if (action_queue.starting || action_queue.stopped)
		return;
	action_queue.starting = true;
	while ((connection = idle_connection()) != NULL &&
		   (action = (QueuedAction *) fair_queue_take(&action_queue.waiting)) != NULL)
	{
		action->connection = connection;
		action->began = loop_now();
		action->start(action);
	}
	action_queue.starting = false;
}

static bool
has_space(const Session *session, size_t size)
{
	FairLoad all = action_queue.waiting.load;
	FairLoad user = fair_queue_load_of(&action_queue.waiting, session->user);

	return user.items + all.items < LONGEST_QUEUE && user.bytes + all.bytes + size <= LARGEST_QUEUE;
}

static bool
may_wait(const Session *session)
{
	FairLoad user = fair_queue_load_of(&action_queue.waiting, session->user);

	return session->lane.outstanding < action_queue.config->max_session_actions &&
		   (long) user.items < action_queue.config->max_user_actions;
}

bool
action_queue_add(QueuedAction *action, size_t size, bool owed)
{
	Session *session = action->session;

	if (!has_space(session, size) || !(owed || may_wait(session)))
		return false;
	action_lane_enter(&session->lane);
	fair_queue_add(&action_queue.waiting, session->user, &action->item, size);
	start_actions();
	return true;
}

/* Returns the processor time that a backend has used since its latest action, or since its start. */
static double
cpu_time_since(int connection, double cpu_time)
{
	double before = action_queue.cpu_times[connection];

	action_queue.cpu_times[connection] = cpu_time;
	return cpu_time >= before ? cpu_time - before : cpu_time;
}

/*
 * Returns the processor time that the database has used for an action, in milliseconds.  That of an action that has
 * failed is not known: its whole time counts.
 */
static double
cpu_time_of(const QueuedAction *action)
{
	double time = (double) (loop_now() - action->began + 1);
	double used = time;

	for (int i = 0; i < CONNECTIONS; i++)
	{
		if (action->cpu_time > 0 && action_queue.connections[i] == action->connection)
			used = cpu_time_since(i, action->cpu_time);
	}
	return used < time ? used : time;
}

void
action_queue_end(QueuedAction *action)
{
	action_lane_exit(&action->session->lane);
	user_work_took(action->session->user, cpu_time_of(action));
	fair_queue_end(&action_queue.waiting, &action->item);
	start_actions();
}

static void
action_queue_on_connected(void *unused)
{
	(void) unused;
	start_actions();
}

const Config *
action_queue_config(void)
{
	return action_queue.config;
}

void
action_queue_start(const Config *config)
{
	static const DatabaseEvents events = { .connected = action_queue_on_connected };

	action_queue.config = config;
	action_queue.waiting.rest = user_work_rest;
	action_queue.waiting.rested = start_actions;
	for (int i = 0; i < CONNECTIONS; i++)
		action_queue.connections[i] = database_open("actions", config->database, config->action_timeout, &events, NULL);
}

void
action_queue_stop(void)
{
	QueuedAction *action;

	action_queue.stopped = true;
	for (int i = 0; i < CONNECTIONS; i++)
		database_close(action_queue.connections[i]);
	fair_queue_end_rests(&action_queue.waiting);
	while ((action = (QueuedAction *) fair_queue_take(&action_queue.waiting)) != NULL)
	{
		action->connection = NULL;
		action->start(action);
	}
}

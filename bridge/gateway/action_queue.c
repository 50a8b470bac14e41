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

/*
 * More waiting actions of all clients than this, or more bytes of them, are refused.  No user may have more than is
 * left of it, so that something is always left for the others.
 */
#define LONGEST_QUEUE 10000
#define LARGEST_QUEUE (16 * 1024 * 1024)

static struct
{
	const Config *config;
	DatabasePool pool;
	double cpu_times[DATABASE_POOL_SIZE]; /* of its backends, at the end of the latest action */
} action_queue;

static void
start_queued_action(FairItem *item, Database *connection)
{
	QueuedAction *action = (QueuedAction *) item;

	action->connection = connection;
	action->began = loop_now();
	action->start(action);
}

static bool
has_space(const Session *session, size_t size)
{
	FairLoad all = action_queue.pool.waiting.load;
	FairLoad user = fair_queue_load_of(&action_queue.pool.waiting, session->user);

	return user.items + all.items < LONGEST_QUEUE && user.bytes + all.bytes + size <= LARGEST_QUEUE;
}

static bool
may_wait(const Session *session)
{
	FairLoad user = fair_queue_load_of(&action_queue.pool.waiting, session->user);

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
	database_pool_add(&action_queue.pool, session->user, &action->item, size);
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

	for (int i = 0; i < DATABASE_POOL_SIZE; i++)
	{
		if (action->cpu_time > 0 && action_queue.pool.connections[i] == action->connection)
			used = cpu_time_since(i, action->cpu_time);
	}
	return used < time ? used : time;
}

void
action_queue_end(QueuedAction *action)
{
	action_lane_exit(&action->session->lane);
	user_work_took(action->session->user, cpu_time_of(action));
	database_pool_end(&action_queue.pool, &action->item);
}

static void
action_queue_on_rested(void)
{
	database_pool_go_on(&action_queue.pool);
}

const Config *
action_queue_config(void)
{
	return action_queue.config;
}

void
action_queue_start(const Config *config)
{
	action_queue.config = config;
	action_queue.pool.waiting.rest = user_work_rest;
	action_queue.pool.waiting.rested = action_queue_on_rested;
	database_pool_open(&action_queue.pool, "actions", config->database, config->action_timeout, start_queued_action);
}

void
action_queue_stop(void)
{
	database_pool_close(&action_queue.pool);
}

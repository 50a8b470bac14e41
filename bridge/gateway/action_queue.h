/*-------------------------------------------------------------------------
 *
 * action_queue.h
 *	  Gives the actions of clients their turns on the connections to the database.
 *
 * So many actions run at once, each of another user, on a connection of its own.  The users take turns
 * (database_pool.h): one who asks for much delays nobody else by more than one action.  One whose actions make much
 * work for all rests between them (user_work.h).
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ACTION_QUEUE_H
#define HERALD_ACTION_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config.h"
#include "base/fair_queue.h"
#include "fanout/session.h"
#include "source/database_pool.h"

/* A part of an action.  Its owner sets session and start. */
typedef struct QueuedAction
{
	FairItem item; /* first: an item of the queue is cast to it */
	Session *session;
	/* Sends the action's query over "connection"; NULL: there will be none any more. */
	void (*start)(struct QueuedAction *action);
	Database *connection; /* set when it is started */
	uint64_t began;		  /* by loop_now() */
	double cpu_time;	  /* of its backend since the start of that, at its end, in milliseconds; 0: unknown */
} QueuedAction;

/* Returns the settings that action_queue_start() has got. */
extern const Config *action_queue_config(void);

/* Connects to the database. */
extern void action_queue_start(const Config *config);

/* Disconnects, and starts the waiting actions without a connection. */
extern void action_queue_stop(void);

/*
 * Queues an action of "size" bytes.  Returns false if too many wait: of its session, its user, or of all.  One
 * that the bridge has asked the client for, or does by itself, counts for the last only: it could not come again.
 */
extern bool action_queue_add(QueuedAction *action, size_t size, bool owed);

/* Ends an action that was started. */
extern void action_queue_end(QueuedAction *action);

#endif /* HERALD_ACTION_QUEUE_H */

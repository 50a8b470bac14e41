/*-------------------------------------------------------------------------
 *
 * lone_arrivals.c
 *	  Queues the sessions that a query of their own locates: those with many rooms, and those of a query that failed.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "catchup/lone_arrivals.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/fair_queue.h"
#include "base/memory.h"
#include "fanout/user_work.h"

typedef struct LoneArrival
{
	FairItem item; /* first: it is cast to its arrival */
	Session *session;
} LoneArrival;

static struct
{
	FairQueue arriving;		/* users rest between these */
	FairQueue located;		/* those that are checked once more: they wait for no rest */
	FairQueue *turn;		/* the one to take from next */
	FairQueue *queue;		/* that of the one under way */
	LoneArrival *under_way; /* or NULL */
} lone_arrivals = { .turn = &lone_arrivals.arriving };

void
lone_arrivals_start(void (*rested)(void))
{
	assert(rested != NULL);
	lone_arrivals.arriving.rest = user_work_rest;
	lone_arrivals.arriving.rested = rested;
}

void
lone_arrivals_stop(void)
{
	fair_queue_end_rests(&lone_arrivals.arriving);
}

void
lone_arrivals_add(Session *session)
{
	LoneArrival *arrival = memory_new(sizeof(LoneArrival));
	bool located = catchup_cursor_is_located(&session->cursor);

	arrival->session = session;
	fair_queue_add(located ? &lone_arrivals.located : &lone_arrivals.arriving, session->user, &arrival->item, 0);
}

void
lone_arrivals_end(void)
{
	fair_queue_end(lone_arrivals.queue, &lone_arrivals.under_way->item);
	free(lone_arrivals.under_way);
	lone_arrivals.under_way = NULL;
}

/* Takes from both queues by turns, if both have sessions. */
static LoneArrival *
take_by_turns(void)
{
	FairItem *item = NULL;

	for (int tries = 0; tries < 2 && item == NULL; tries++)
	{
		lone_arrivals.queue = lone_arrivals.turn;
		lone_arrivals.turn =
			lone_arrivals.queue == &lone_arrivals.arriving ? &lone_arrivals.located : &lone_arrivals.arriving;
		item = fair_queue_take(lone_arrivals.queue);
	}
	return (LoneArrival *) item;
}

bool
lone_arrivals_may_pass(const PGresult *failed)
{
	const char *state = PQresultErrorField(failed, PG_DIAG_SQLSTATE);

	return state == NULL || (strncmp(state, "57", 2) != 0 && strncmp(state, "55", 2) != 0);
}

Session *
lone_arrivals_take(void)
{
	while (lone_arrivals.under_way == NULL && (lone_arrivals.under_way = take_by_turns()) != NULL)
	{
		if (lone_arrivals.under_way->session->state != SESSION_GONE)
			return lone_arrivals.under_way->session;
		session_unref(lone_arrivals.under_way->session);
		lone_arrivals_end();
	}
	return NULL;
}

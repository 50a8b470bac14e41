/*-------------------------------------------------------------------------
 *
 * lone_arrivals.c
 *	  Queues the sessions with many rooms, each of which a query of its own locates.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "catchup/lone_arrivals.h"

#include <assert.h>
#include <stdlib.h>

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
	FairQueue waiting;
	LoneArrival *under_way; /* or NULL */
} lone_arrivals;

void
lone_arrivals_start(void (*rested)(void))
{
	assert(rested != NULL);
	lone_arrivals.waiting.rest = user_work_rest;
	lone_arrivals.waiting.rested = rested;
}

void
lone_arrivals_stop(void)
{
	fair_queue_end_rests(&lone_arrivals.waiting);
}

void
lone_arrivals_add(Session *session)
{
	LoneArrival *arrival = memory_new(sizeof(LoneArrival));

	arrival->session = session;
	fair_queue_add(&lone_arrivals.waiting, session->user, &arrival->item, 0);
}

void
lone_arrivals_end(void)
{
	fair_queue_end(&lone_arrivals.waiting, &lone_arrivals.under_way->item);
	free(lone_arrivals.under_way);
	lone_arrivals.under_way = NULL;
}

Session *
lone_arrivals_take(void)
{
	FairItem *item;

	while (lone_arrivals.under_way == NULL && (item = fair_queue_take(&lone_arrivals.waiting)) != NULL)
	{
		lone_arrivals.under_way = (LoneArrival *) item;
		if (lone_arrivals.under_way->session->state != SESSION_GONE)
			return lone_arrivals.under_way->session;
		session_unref(lone_arrivals.under_way->session);
		lone_arrivals_end();
	}
	return NULL;
}

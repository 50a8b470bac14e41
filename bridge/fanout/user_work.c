/*-------------------------------------------------------------------------
 *
 * user_work.c
 *	  Counts the work that users make for all.  A user with much of it rests.
 *
 * 1. The unit is about a millisecond of the bridge, or of the backend that reads the log: both serve all users.  An
 *	  event costs the database a look-up, and the bridge and the network each of its deliveries.  The processor
 *	  time of an action in the database counts, too.  Time in which it waits does not: it waits longer while the
 *	  database is slow for all.
 *
 * 2. Each user has a bucket of work (base/rate.h).  A user with an empty bucket rests: the next action waits.  Work
 *	  that would make the rest too long is forgotten: somebody with a million followers may go on, too.
 *
 * 3. An action names its transaction, and so do events.  Either may come first.  A table has the latest transactions,
 *	  with the work of their events until the user is known, and with the user from then on.
 *
 * 4. A signal names the user that has caused it and does not get it.
 *
 * 5. A session that arrives enters its rooms: the database checks each, and reports its new number of viewers.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/user_work.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "base/rate.h"

#define WORK_OF_EVENT 0.05
#define WORK_OF_DELIVERY 0.02
#define WORK_OF_ROOM 0.2
#define MOST_WORK_OF_TIME 100

/* Nobody rests for longer. */
#define LONGEST_REST_MS 5000

/* The kind of the buckets; limits.c has those below. */
#define BUCKET_WORK 100

/* A power of two: transaction ids come in turn. */
#define RECENT_TRANSACTIONS 1024

/* A transaction with a known user, or with events that have been read. */
typedef struct WorkOfTransaction
{
	uint64_t xid;
	uint64_t user; /* the key of the bucket; 0: not known */
	double work;   /* of events that came before the user */
} WorkOfTransaction;

static struct
{
	Rate rate;
	WorkOfTransaction recent[RECENT_TRANSACTIONS];
} user_work;

void
user_work_configure(const Config *config)
{
	bool good = rate_read(config->user_work, &user_work.rate);

	assert(good);
	(void) good;
}

int64_t
user_work_rest(const char *user)
{
	int64_t rest = 0;

	if (user_work.rate.burst > 0)
		rest = rate_wait(rate_key(BUCKET_WORK, user), user_work.rate, (int64_t) loop_now());
	metrics.user_rests += rest > 0;
	return rest;
}

static void
count_work(uint64_t user, double work)
{
	int64_t now = (int64_t) loop_now();

	if (user_work.rate.burst <= 0 || work <= 0)
		return;
	rate_take(user, user_work.rate, work, now);
	rate_end_wait(user, user_work.rate, LONGEST_REST_MS, now);
}

void
user_work_took(const char *user, double time)
{
	count_work(rate_key(BUCKET_WORK, user), time < MOST_WORK_OF_TIME ? time : MOST_WORK_OF_TIME);
}

void
user_work_arrived(const char *user, int rooms)
{
	count_work(rate_key(BUCKET_WORK, user), WORK_OF_ROOM * rooms);
}

/* Returns the place of a transaction; that of an older one is given up. */
static WorkOfTransaction *
work_of(uint64_t xid)
{
	WorkOfTransaction *work = &user_work.recent[xid % RECENT_TRANSACTIONS];

	if (work->xid != xid)
		*work = (WorkOfTransaction){ .xid = xid };
	return work;
}

void
user_work_began(const char *user, const char *xid)
{
	WorkOfTransaction *transaction;

	if (xid == NULL || xid[0] == '\0')
		return;
	transaction = work_of(strtoull(xid, NULL, 10));
	transaction->user = rate_key(BUCKET_WORK, user);
	count_work(transaction->user, transaction->work);
	transaction->work = 0;
}

void
user_work_published(const Event *event, uint64_t deliveries)
{
	double work = WORK_OF_EVENT + WORK_OF_DELIVERY * (double) deliveries;
	WorkOfTransaction *transaction;

	if (event->except != NULL)
	{
		count_work(rate_key(BUCKET_WORK, event->except), work);
		return;
	}
	transaction = work_of(event->xid);
	if (transaction->user != 0)
		count_work(transaction->user, work);
	else
		transaction->work += work;
}

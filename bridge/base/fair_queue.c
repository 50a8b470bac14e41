/*-------------------------------------------------------------------------
 *
 * fair_queue.c
 *	  Queues work of many users, so that nobody's work waits for the queue of another.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/fair_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/memory.h"
#include "base/timer.h"

/* Exists while the user has work. */
typedef struct FairUser
{
	FairItem *waiting;	 /* the oldest first */
	FairItem *under_way; /* or NULL; else it is among the ready ones, or rests, if it has a waiting item */
	FairLoad load;
	FairQueue *queue;
	Timer rest; /* runs while the user rests */
	struct FairUser *next;
	struct FairUser *prev;
	UT_hash_handle hh;
	char id[];
} FairUser;

static FairUser *
find_fair_user(const FairQueue *queue, const char *id)
{
	FairUser *user;

	HASH_FIND_STR(queue->by_id, id, user);
	return user;
}

static FairUser *
create_fair_user(FairQueue *queue, const char *id)
{
	FairUser *user = memory_new(sizeof(FairUser) + strlen(id) + 1);

	strcpy(user->id, id);
	user->queue = queue;
	HASH_ADD_STR(queue->by_id, id, user);
	return user;
}

FairLoad
fair_queue_load_of(const FairQueue *queue, const char *user)
{
	const FairUser *found = find_fair_user(queue, user);

	return found != NULL ? found->load : (FairLoad){ 0 };
}

void
fair_queue_add(FairQueue *queue, const char *user, FairItem *item, size_t size)
{
	FairUser *of = find_fair_user(queue, user);

	if (of == NULL)
		of = create_fair_user(queue, user);
	item->user = of;
	item->size = size;
	if (of->waiting == NULL && of->under_way == NULL)
		DL_APPEND(queue->ready, of);
	DL_APPEND(of->waiting, item);
	of->load.items++;
	of->load.bytes += size;
	queue->load.items++;
	queue->load.bytes += size;
}

static void
fair_on_rested(void *context)
{
	FairUser *user = context;

	DL_APPEND(user->queue->ready, user);
	user->queue->rested();
}

/* Returns the first user that need not rest; the others before it rest.  NULL: there is none. */
static FairUser *
next_user(FairQueue *queue)
{
	FairUser *user;

	while ((user = queue->ready) != NULL)
	{
		int64_t rest = queue->rest != NULL ? queue->rest(user->id) : 0;

		if (rest == 0)
			break;
		DL_DELETE(queue->ready, user);
		timer_start(&user->rest, (uint64_t) rest, fair_on_rested, user);
	}
	return user;
}

FairItem *
fair_queue_take(FairQueue *queue)
{
	FairUser *user = next_user(queue);
	FairItem *item;

	if (user == NULL)
		return NULL;
	assert(user->waiting != NULL && user->under_way == NULL);
	item = user->waiting;
	DL_DELETE(queue->ready, user);
	DL_DELETE(user->waiting, item);
	user->under_way = item;
	return item;
}

void
fair_queue_end(FairQueue *queue, FairItem *item)
{
	FairUser *user = item->user;

	assert(user->under_way == item && user->load.items > 0 && user->load.bytes >= item->size);
	user->under_way = NULL;
	user->load.items--;
	user->load.bytes -= item->size;
	queue->load.items--;
	queue->load.bytes -= item->size;
	if (user->waiting != NULL)
		DL_APPEND(queue->ready, user);
	else
	{
		HASH_DEL(queue->by_id, user);
		free(user);
	}
}

void
fair_queue_end_rests(FairQueue *queue)
{
	FairUser *user;
	FairUser *next;

	queue->rest = NULL;
	HASH_ITER(hh, queue->by_id, user, next)
	{
		if (!timer_is_running(&user->rest))
			continue;
		timer_stop(&user->rest);
		DL_APPEND(queue->ready, user);
	}
}

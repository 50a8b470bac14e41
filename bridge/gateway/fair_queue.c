/*-------------------------------------------------------------------------
 *
 * fair_queue.c
 *	  Queues work of many users, so that nobody's work waits for the queue of another.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/fair_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/memory.h"

/* Exists while the user has work. */
typedef struct FairUser
{
	FairItem *waiting;	 /* the oldest first */
	FairItem *under_way; /* or NULL; else it is among the ready ones if it has a waiting item */
	FairLoad load;
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

FairItem *
fair_queue_take(FairQueue *queue)
{
	FairUser *user = queue->ready;
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

/*-------------------------------------------------------------------------
 *
 * fair_queue.h
 *	  Queues work of many users, so that nobody's work waits for the queue of another.
 *
 * Each user has a queue of its own, and the users take turns.  One item of a user is under
 * way at a time, so that a user's items are done in their order.  A user may have to rest
 * before the next one begins.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_FAIR_QUEUE_H
#define HERALD_FAIR_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct FairUser;

/* A member of the work that is queued. */
typedef struct FairItem
{
	struct FairUser *user;
	size_t size;
	struct FairItem *next; /* of the user's, with the previous one */
	struct FairItem *prev;
} FairItem;

/* Work that is not done yet. */
typedef struct FairLoad
{
	size_t items;
	size_t bytes;
} FairLoad;

/* Zeroed, it is empty.  Frees what it allocates with the last item. */
typedef struct FairQueue
{
	struct FairUser *by_id;
	struct FairUser *ready; /* users whose next item may begin; the first one has waited longest for its turn */
	FairLoad load;
	/* Returns how long a user must rest before the next item, in milliseconds; NULL: nobody rests. */
	int64_t (*rest)(const char *user);
	void (*rested)(void); /* a user's next item may begin after a rest */
} FairQueue;

/* Returns the work of one user that waits or is under way. */
extern FairLoad fair_queue_load_of(const FairQueue *queue, const char *user);

/* Adds an item of "size" bytes at the end of a user's queue. */
extern void fair_queue_add(FairQueue *queue, const char *user, FairItem *item, size_t size);

/*
 * Takes the next item of the user whose turn it is: it is under way.  NULL: there is none, or all users have one or
 * rest.
 */
extern FairItem *fair_queue_take(FairQueue *queue);

/* Ends an item that was under way: the user's next one may begin when it is its turn. */
extern void fair_queue_end(FairQueue *queue, FairItem *item);

/* Lets nobody rest any more. */
extern void fair_queue_end_rests(FairQueue *queue);

#endif /* HERALD_FAIR_QUEUE_H */

/*-------------------------------------------------------------------------
 *
 * presence.c
 *	  Tracks present users and the users in rooms of posts, and the changes to report.
 *
 * Tracks the actual and the last reported state, for each user and each room of a
 * post; entries with a difference are queued.  An entry is forgotten when nobody is there
 * and that has been reported.  A change takes constant time.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/presence.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/memory.h"
#include "base/timer.h"
#include "fanout/room.h"
#include "fanout/user.h"
#include "source/text_array.h"

typedef struct Person
{
	bool present;
	bool reported; /* as present */
	Timer grace;   /* runs while there is no session */
	bool queued;
	struct Person *previous;
	struct Person *next;
	UT_hash_handle hh;
	char id[];
} Person;

/* reported: the count is unknown. */
#define UNKNOWN (-1)

typedef struct Post
{
	int reported; /* number of users in its room, or UNKNOWN */
	bool queued;
	struct Post *previous;
	struct Post *next;
	UT_hash_handle hh;
	char room[];
} Post;

static struct
{
	const Config *config; /* presence-grace may change while the bridge runs */
	void (*tell_news)(void);
	Person *people;
	Person *person_queue;
	Post *posts;
	Post *post_queue;
} presence;

#define QUEUE(queue, entry) \
	do \
	{ \
		if (!(entry)->queued) \
			DL_APPEND2(queue, entry, previous, next); \
		(entry)->queued = true; \
		presence.tell_news(); \
	} while (0)

#define UNQUEUE(queue, entry) \
	do \
	{ \
		if ((entry)->queued) \
			DL_DELETE2(queue, entry, previous, next); \
		(entry)->queued = false; \
	} while (0)

/* ----- users */

static Person *
find_person(const char *id)
{
	Person *person;

	HASH_FIND_STR(presence.people, id, person);
	if (person == NULL)
	{
		person = memory_new(sizeof(Person) + strlen(id) + 1);
		strcpy(person->id, id);
		HASH_ADD_STR(presence.people, id, person);
	}
	return person;
}

static void
forget_person(Person *person)
{
	timer_stop(&person->grace);
	UNQUEUE(presence.person_queue, person);
	HASH_DEL(presence.people, person);
	free(person);
}

/* Queues a difference, or forgets an entry without one. */
static void
settle_person(Person *person)
{
	if (person->present != person->reported)
		QUEUE(presence.person_queue, person);
	else if (person->present)
		UNQUEUE(presence.person_queue, person);
	else
		forget_person(person);
}

static void
presence_on_grace_over(void *context)
{
	Person *person = context;

	person->present = false;
	settle_person(person);
}

static void
presence_on_user(const char *user, bool has_sessions)
{
	Person *person = find_person(user);

	if (has_sessions)
	{
		timer_stop(&person->grace);
		person->present = true;
		settle_person(person);
	}
	else
		timer_start(&person->grace, (uint64_t) presence.config->presence_grace, presence_on_grace_over, person);
}

/* ----- rooms of posts */

static void
presence_on_room(const char *room)
{
	Post *post;

	if (strncmp(room, "post:", 5) != 0)
		return;
	HASH_FIND_STR(presence.posts, room, post);
	if (post == NULL)
	{
		post = memory_new(sizeof(Post) + strlen(room) + 1);
		strcpy(post->room, room);
		HASH_ADD_STR(presence.posts, room, post);
	}
	QUEUE(presence.post_queue, post);
}

static void
forget_post(Post *post)
{
	UNQUEUE(presence.post_queue, post);
	HASH_DEL(presence.posts, post);
	free(post);
}

/* ----- news */

void
presence_start(const Config *config, void (*tell)(void))
{
	assert(tell != NULL);
	presence.config = config;
	presence.tell_news = tell;
	user_on_change(presence_on_user);
	room_on_change(presence_on_room);
}

void
presence_stop(void)
{
	user_on_change(NULL);
	room_on_change(NULL);
	while (presence.people != NULL)
		forget_person(presence.people);
	while (presence.posts != NULL)
		forget_post(presence.posts);
}

bool
presence_has_news(void)
{
	return presence.person_queue != NULL || presence.post_queue != NULL;
}

static void
take_people(PresenceNews *news)
{
	Person *taken[PRESENCE_AT_ONCE];
	const char *came[PRESENCE_AT_ONCE] = { NULL };
	const char *went[PRESENCE_AT_ONCE] = { NULL };
	int came_count = 0;
	int went_count = 0;
	int count = 0;

	for (; presence.person_queue != NULL && count < PRESENCE_AT_ONCE; count++)
	{
		Person *person = taken[count] = presence.person_queue;

		UNQUEUE(presence.person_queue, person);
		person->reported = person->present;
		if (person->present)
			came[came_count++] = person->id;
		else
			went[went_count++] = person->id;
	}
	news->came = text_array_write(came, came_count);
	news->went = text_array_write(went, went_count);
	for (int i = 0; i < count; i++)
		settle_person(taken[i]);
}

static void
settle_post(Post *post)
{
	if (post->reported == 0)
		forget_post(post);
}

/* Counts the users only now: once for all that came and went meanwhile. */
static void
take_posts(PresenceNews *news)
{
	Post *taken[PRESENCE_AT_ONCE];
	const char *rooms[PRESENCE_AT_ONCE] = { NULL };
	char *counts[PRESENCE_AT_ONCE] = { NULL };
	int count = 0;

	while (presence.post_queue != NULL && count < PRESENCE_AT_ONCE)
	{
		Post *post = presence.post_queue;
		int users = room_users(post->room);

		UNQUEUE(presence.post_queue, post);
		if (users == post->reported)
		{
			settle_post(post);
			continue;
		}
		post->reported = users;
		taken[count] = post;
		rooms[count] = post->room;
		counts[count++] = memory_format("%d", users);
	}
	news->rooms = text_array_write(rooms, count);
	news->counts = text_array_write((const char *const *) counts, count);
	for (int i = 0; i < count; i++)
	{
		free(counts[i]);
		settle_post(taken[i]);
	}
}

PresenceNews
presence_take(void)
{
	PresenceNews news;

	assert(presence.config != NULL);
	take_people(&news);
	take_posts(&news);
	return news;
}

void
presence_free(PresenceNews *news)
{
	free(news->came);
	free(news->went);
	free(news->rooms);
	free(news->counts);
}

void
presence_forget(void)
{
	Person *person;
	Person *next_person;
	Post *post;
	Post *next_post;

	HASH_ITER(hh, presence.people, person, next_person)
	{
		person->reported = false;
		settle_person(person);
	}
	HASH_ITER(hh, presence.posts, post, next_post)
	{
		post->reported = UNKNOWN;
		QUEUE(presence.post_queue, post);
	}
}

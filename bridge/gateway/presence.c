/*-------------------------------------------------------------------------
 *
 * presence.c
 *	  Who is here, and what of it the database has not been told yet.
 *
 * What is so and what was told are kept side by side, for each user and each
 * room of a post; where they differ, it is in a queue.  What is as told and
 * nothing is forgotten.  A change costs the same however many there are.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/presence.h"

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
	bool here;
	bool told;	 /* ... to be here */
	Timer grace; /* runs while there is no session */
	bool queued;
	struct Person *previous;
	struct Person *next;
	UT_hash_handle hh;
	char id[];
} Person;

typedef struct Post
{
	int told; /* how many users are in its room; -1: it is not known what */
	bool queued;
	struct Post *previous;
	struct Post *next;
	UT_hash_handle hh;
	char room[];
} Post;

static const Config *config;
static void (*tell_news)(void);
static Person *people;
static Person *person_queue;
static Post *posts;
static Post *post_queue;

#define QUEUE(queue, entry) \
	do \
	{ \
		if (!(entry)->queued) \
			DL_APPEND2(queue, entry, previous, next); \
		(entry)->queued = true; \
		tell_news(); \
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

	HASH_FIND_STR(people, id, person);
	if (person == NULL)
	{
		person = memory_new(sizeof(Person) + strlen(id) + 1);
		strcpy(person->id, id);
		HASH_ADD_STR(people, id, person);
	}
	return person;
}

static void
forget_person(Person *person)
{
	timer_stop(&person->grace);
	UNQUEUE(person_queue, person);
	HASH_DEL(people, person);
	free(person);
}

/* What is so may be another thing than what was told, or the same again. */
static void
settle_person(Person *person)
{
	if (person->here != person->told)
		QUEUE(person_queue, person);
	else if (person->here)
		UNQUEUE(person_queue, person);
	else
		forget_person(person);
}

static void
on_grace_over(void *context)
{
	Person *person = context;

	person->here = false;
	settle_person(person);
}

static void
on_user(const char *user, bool here)
{
	Person *person = find_person(user);

	if (here)
	{
		timer_stop(&person->grace);
		person->here = true;
		settle_person(person);
	}
	else
		timer_start(&person->grace, (uint64_t) config->presence_grace, on_grace_over, person);
}

/* ----- rooms of posts */

static void
on_room(const char *room)
{
	Post *post;

	if (strncmp(room, "post:", 5) != 0)
		return;
	HASH_FIND_STR(posts, room, post);
	if (post == NULL)
	{
		post = memory_new(sizeof(Post) + strlen(room) + 1);
		strcpy(post->room, room);
		HASH_ADD_STR(posts, room, post);
	}
	QUEUE(post_queue, post);
}

static void
forget_post(Post *post)
{
	UNQUEUE(post_queue, post);
	HASH_DEL(posts, post);
	free(post);
}

/* ----- news */

void
presence_start(const Config *settings, void (*tell)(void))
{
	config = settings;
	tell_news = tell;
	user_on_change(on_user);
	room_on_change(on_room);
}

void
presence_stop(void)
{
	user_on_change(NULL);
	room_on_change(NULL);
	while (people != NULL)
		forget_person(people);
	while (posts != NULL)
		forget_post(posts);
}

bool
presence_has_news(void)
{
	return person_queue != NULL || post_queue != NULL;
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

	for (; person_queue != NULL && count < PRESENCE_AT_ONCE; count++)
	{
		Person *person = taken[count] = person_queue;

		UNQUEUE(person_queue, person);
		person->told = person->here;
		if (person->here)
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
	if (post->told == 0)
		forget_post(post);
}

/* Users are counted only now, once for all who came and went meanwhile. */
static void
take_posts(PresenceNews *news)
{
	Post *taken[PRESENCE_AT_ONCE];
	const char *rooms[PRESENCE_AT_ONCE] = { NULL };
	char *counts[PRESENCE_AT_ONCE] = { NULL };
	int count = 0;

	while (post_queue != NULL && count < PRESENCE_AT_ONCE)
	{
		Post *post = post_queue;
		int users = room_users(post->room);

		UNQUEUE(post_queue, post);
		if (users == post->told)
		{
			settle_post(post);
			continue;
		}
		post->told = users;
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

	HASH_ITER(hh, people, person, next_person)
	{
		person->told = false;
		settle_person(person);
	}
	HASH_ITER(hh, posts, post, next_post)
	{
		post->told = -1;
		QUEUE(post_queue, post);
	}
}

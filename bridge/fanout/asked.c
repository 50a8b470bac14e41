/*-------------------------------------------------------------------------
 *
 * asked.c
 *	  The events that a session was asked to acknowledge and has not yet.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/asked.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/memory.h"

typedef struct Question
{
	Event *event; /* a reference */
	uint64_t expires;
} Question;

struct Asked
{
	Question *questions; /* the oldest first */
	int count;
	int capacity;
};

static void
remove_at(Asked *asked, int place)
{
	asked->count--;
	memmove(&asked->questions[place], &asked->questions[place + 1], sizeof(Question) * (size_t) (asked->count - place));
}

static void
forget_first(Asked *asked)
{
	event_release(asked->questions[0].event);
	remove_at(asked, 0);
}

static void
forget_expired(Asked *asked)
{
	while (asked->count > 0 && asked->questions[0].expires <= loop_now())
		forget_first(asked);
}

static void
make_room(Asked *asked)
{
	forget_expired(asked);
	if (asked->count == ASKED_MOST)
		forget_first(asked);
	if (asked->count < asked->capacity)
		return;
	asked->capacity = asked->capacity ? asked->capacity * 2 : 4;
	asked->questions = memory_resize(asked->questions, sizeof(Question) * (size_t) asked->capacity);
}

void
asked_note(Asked **asked, Event *event)
{
	if (*asked == NULL)
		*asked = memory_new(sizeof(Asked));
	make_room(*asked);
	(*asked)->questions[(*asked)->count++] = (Question){ event_hold(event), loop_now() + ASKED_LIFETIME_MS };
}

Event *
asked_take(Asked *asked, uint32_t id)
{
	if (asked != NULL)
		forget_expired(asked);
	for (int i = 0; asked != NULL && i < asked->count; i++)
	{
		Event *event = asked->questions[i].event;

		if (event_ack_id(event) == id)
		{
			remove_at(asked, i);
			return event;
		}
	}
	return NULL;
}

void
asked_free(Asked **asked)
{
	if (*asked == NULL)
		return;
	while ((*asked)->count > 0)
		forget_first(*asked);
	free((*asked)->questions);
	free(*asked);
	*asked = NULL;
}

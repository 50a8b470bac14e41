/*-------------------------------------------------------------------------
 *
 * pending_acks.c
 *	  The events that a session was asked to acknowledge and has not yet.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/pending_acks.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/memory.h"

typedef struct Question
{
	Event *event; /* a reference */
	uint64_t expires;
} Question;

struct PendingAcks
{
	Question *questions; /* the oldest first */
	int count;
	int capacity;
};

static void
remove_at(PendingAcks *acks, int index)
{
	acks->count--;
	memmove(&acks->questions[index], &acks->questions[index + 1], sizeof(Question) * (size_t) (acks->count - index));
}

static void
forget_first(PendingAcks *acks)
{
	event_unref(acks->questions[0].event);
	remove_at(acks, 0);
}

static void
forget_expired(PendingAcks *acks)
{
	while (acks->count > 0 && acks->questions[0].expires <= loop_now())
		forget_first(acks);
}

static void
make_room(PendingAcks *acks)
{
	forget_expired(acks);
	if (acks->count == PENDING_ACKS_MAX)
		forget_first(acks);
	if (acks->count < acks->capacity)
		return;
	acks->capacity = acks->capacity ? acks->capacity * 2 : 4;
	acks->questions = memory_resize(acks->questions, sizeof(Question) * (size_t) acks->capacity);
}

void
pending_acks_add(PendingAcks **acks, Event *event)
{
	if (*acks == NULL)
		*acks = memory_new(sizeof(PendingAcks));
	make_room(*acks);
	(*acks)->questions[(*acks)->count++] = (Question){ event_ref(event), loop_now() + PENDING_ACKS_LIFETIME_MS };
}

Event *
pending_acks_take(PendingAcks *acks, uint32_t id)
{
	if (acks != NULL)
		forget_expired(acks);
	for (int i = 0; acks != NULL && i < acks->count; i++)
	{
		Event *event = acks->questions[i].event;

		if (event_ack_id(event) == id)
		{
			remove_at(acks, i);
			return event;
		}
	}
	return NULL;
}

void
pending_acks_free(PendingAcks **acks)
{
	if (*acks == NULL)
		return;
	while ((*acks)->count > 0)
		forget_first(*acks);
	free((*acks)->questions);
	free(*acks);
	*acks = NULL;
}

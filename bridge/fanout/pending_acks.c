/*-------------------------------------------------------------------------
 *
 * pending_acks.c
 *	  Remembers the events that a session was asked to acknowledge.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "fanout/pending_acks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/memory.h"

typedef struct PendingAck
{
	Event *event; /* a reference */
	uint64_t expires;
} PendingAck;

struct PendingAcks
{
	PendingAck *pending; /* the oldest first */
	int count;
	int capacity;
};

static void
remove_at(PendingAcks *acks, int index)
{
	acks->count--;
	memmove(&acks->pending[index], &acks->pending[index + 1], sizeof(PendingAck) * (size_t) (acks->count - index));
}

static void
forget_oldest(PendingAcks *acks)
{
	event_unref(acks->pending[0].event);
	remove_at(acks, 0);
}

static void
forget_expired(PendingAcks *acks)
{
	while (acks->count > 0 && acks->pending[0].expires <= loop_now())
		forget_oldest(acks);
}

static void
make_slot_for_ack(PendingAcks *acks)
{
	forget_expired(acks);
	if (acks->count == PENDING_ACKS_MAX)
		forget_oldest(acks);
	if (acks->count < acks->capacity)
		return;
	acks->capacity = acks->capacity ? acks->capacity * 2 : 4;
	acks->pending = memory_resize(acks->pending, sizeof(PendingAck) * (size_t) acks->capacity);
}

void
pending_acks_add(PendingAcks **acks, Event *event)
{
	assert(event->ack != NULL);
	if (*acks == NULL)
		*acks = memory_new(sizeof(PendingAcks));
	make_slot_for_ack(*acks);
	(*acks)->pending[(*acks)->count++] = (PendingAck){ event_ref(event), loop_now() + PENDING_ACKS_LIFETIME_MS };
}

Event *
pending_acks_take(PendingAcks *acks, uint32_t id)
{
	if (acks != NULL)
		forget_expired(acks);
	for (int i = 0; acks != NULL && i < acks->count; i++)
	{
		Event *event = acks->pending[i].event;

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
		forget_oldest(*acks);
	free((*acks)->pending);
	free(*acks);
	*acks = NULL;
}

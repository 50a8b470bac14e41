/*-------------------------------------------------------------------------
 *
 * pending_acks.h
 *	  Remembers the events that a session was asked to acknowledge.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PENDING_ACKS_H
#define HERALD_PENDING_ACKS_H

#include "fanout/event.h"

/* NULL: none is pending. */
typedef struct PendingAcks PendingAcks;

/* The newest events are remembered, and each for this time. */
#define PENDING_ACKS_MAX 256
#define PENDING_ACKS_LIFETIME_MS 300000

/* Remembers an event, with a reference to it. */
extern void pending_acks_add(PendingAcks **acks, Event *event);

/*
 * Returns the event with this event_ack_id(), once, and hands its reference over; NULL: it is not, or no
 * longer, pending.
 */
extern Event *pending_acks_take(PendingAcks *acks, uint32_t id);

/* Forgets all events, and sets *acks to NULL. */
extern void pending_acks_free(PendingAcks **acks);

#endif /* HERALD_PENDING_ACKS_H */

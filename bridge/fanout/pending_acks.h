/*-------------------------------------------------------------------------
 *
 * pending_acks.h
 *	  The events that a session was asked to acknowledge and has not yet.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PENDING_ACKS_H
#define HERALD_PENDING_ACKS_H

#include "fanout/event.h"

/* The newest are kept, for a while; NULL: none. */
typedef struct PendingAcks PendingAcks;

#define PENDING_ACKS_MAX 256
#define PENDING_ACKS_LIFETIME_MS 300000

extern void pending_acks_add(PendingAcks **acks, Event *event);

/* The event that is acknowledged by this id, once, with the reference to it; NULL: none, or not any more. */
extern Event *pending_acks_take(PendingAcks *acks, uint32_t id);

extern void pending_acks_free(PendingAcks **acks);

#endif /* HERALD_PENDING_ACKS_H */

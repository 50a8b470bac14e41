/*-------------------------------------------------------------------------
 *
 * relay.h
 *	  Publishes the events of the reader to rooms.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_RELAY_H
#define HERALD_RELAY_H

#include "base/config.h"
#include "fanout/event.h"
#include "fanout/session.h"

/* Starts the reader; the catch-up must have started. */
extern void relay_start(const Config *config);
extern void relay_stop(void);

/* Has the database check a welcomed session again: it may refuse the session's token. */
extern void relay_recheck(Session *session);

/*
 * Publishes an event that the bridge has made itself to the live sessions of its rooms, as an ephemeral one at the
 * reader's position, which the event gets.  Drops it while the reader has no position.
 */
extern void relay_publish(Event *event);

#endif /* HERALD_RELAY_H */

/*-------------------------------------------------------------------------
 *
 * asked.h
 *	  The events that a session was asked to acknowledge and has not yet.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ASKED_H
#define HERALD_ASKED_H

#include "fanout/event.h"

/* The newest are kept, for a while; NULL: none. */
typedef struct Asked Asked;

#define ASKED_MOST 256
#define ASKED_LIFETIME_MS 300000

extern void asked_note(Asked **asked, Event *event);

/* The event that is acknowledged by this id, once, with the reference to it; NULL: none, or not any more. */
extern Event *asked_take(Asked *asked, uint32_t id);

extern void asked_free(Asked **asked);

#endif /* HERALD_ASKED_H */

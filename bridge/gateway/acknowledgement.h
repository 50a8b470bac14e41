/*-------------------------------------------------------------------------
 *
 * acknowledgement.h
 *	  Takes clients' acknowledgements of events.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ACKNOWLEDGEMENT_H
#define HERALD_ACKNOWLEDGEMENT_H

#include <jansson.h>

#include "fanout/session.h"

/*
 * Takes a client's acknowledgement of an event.  "id" has the digits of event_ack_id(), or is NULL if the client gave
 * none; "data" is a list, one value, or NULL.  Does the action that the event names, once.  Ignores
 * acknowledgements of events that the session was not asked about.
 */
extern void acknowledgement_take(Session *session, const char *id, json_t *data);

#endif /* HERALD_ACKNOWLEDGEMENT_H */

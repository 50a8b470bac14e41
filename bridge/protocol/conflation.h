/*-------------------------------------------------------------------------
 *
 * conflation.h
 *	  Conflates events: sends many events of a room as one batch.
 *
 * A dialect's rule "conflate" names the batch of an event, the entry that the event
 * belongs to, and the values that it gives to the entry.  A batch opens with its first event.
 * After "every" milliseconds it is sent to the sessions that are in its rooms at that
 * time: one ephemeral event of the namespace's format, with the list of entries.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CONFLATION_H
#define HERALD_CONFLATION_H

#include <jansson.h>

#include "fanout/event.h"

/*
 * Adds an event to its batch.  "rule" is the dialect's rule "conflate", "batches" are the
 * batches of the namespace, "payload" is the event's parsed payload.  The format, the rule and
 * the batches must outlive the batch: see conflation_clear().
 */
extern void conflation_add(const Event *event, const Format *format, const json_t *rule, const json_t *batches,
						   json_t *payload);

/* Drops all batches that have not been sent. */
extern void conflation_clear(void);

#endif /* HERALD_CONFLATION_H */

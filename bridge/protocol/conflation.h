/*-------------------------------------------------------------------------
 *
 * conflation.h
 *	  Many events of a room as one batch, with the newest of each thing.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_CONFLATION_H
#define HERALD_CONFLATION_H

#include <jansson.h>

#include "fanout/event.h"

/*
 * Notes an event for a batch of its rooms, by a rule "conflate" of a dialect
 * and the batches of its namespace, which live longer than what is noted here.
 * Some milliseconds ("every") after the first event of a batch, it goes to who is in
 * the rooms then: an ephemeral event of that format only, with a list of entries.
 */
extern void conflation_note(const Event *event, const Format *format, const json_t *rule, const json_t *batches,
							json_t *payload);

/* Forgets what has not been sent. */
extern void conflation_clear(void);

#endif /* HERALD_CONFLATION_H */

/*-------------------------------------------------------------------------
 *
 * event_keys.h
 *	  Shortens the keys of events that the indexes of the log do not take.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_KEYS_H
#define HERALD_EVENT_KEYS_H

#include "postgres.h"

/*
 * Shortens the keys of an event, with columns as in event_log_shape(), until the indexes take them: the write of the
 * application must not fail.  A recheck becomes one of more rooms or users.  An event loses its total, or the room that
 * its member joins or leaves.
 */
extern void event_keys_shorten(Datum *published, bool *nulls);

#endif /* HERALD_EVENT_KEYS_H */

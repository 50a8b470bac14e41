/*-------------------------------------------------------------------------
 *
 * event_log.h
 *	  Appends events to the log; the only way in.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_LOG_H
#define HERALD_EVENT_LOG_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "utils/tuplestore.h"

/* What a rule's publish query returns; lives as long as the backend. */
extern TupleDesc event_log_shape(void);

/*
 * News for users: the name and payload of an event for the room of a user, and
 * a number that is for the one who made it.
 */
extern TupleDesc event_log_news_shape(void);

/*
 * Moves news to what is published; news without a name is not.  Returns the sum
 * of their numbers.
 */
extern int64 event_log_publish_news(Tuplestorestate *news, Tuplestorestate *published);

/*
 * Appends all rows of a tuplestore of that shape, in their order, and rings.
 * Within a query scope of the extension's owner.
 */
extern void event_log_append_all(Tuplestorestate *published);

#endif /* HERALD_EVENT_LOG_H */

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
 * Appends all rows of a tuplestore of that shape, in their order, and rings.
 * Within a query scope of the extension's owner.
 */
extern void event_log_append_all(Tuplestorestate *published);

#endif /* HERALD_EVENT_LOG_H */

/*-------------------------------------------------------------------------
 *
 * delivery_time.h
 *	  Measures the time of events from their insert until they are written to sockets.
 *
 * One time counts for each event, however many sessions get it.  The insert is by the clock of the database's server.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_DELIVERY_TIME_H
#define HERALD_DELIVERY_TIME_H

#include <stdint.h>

/* Notes that live sessions have an event in their outboxes that was inserted then, in milliseconds since 1970. */
extern void delivery_time_begin(int64_t logged_at);

/* All outboxes are flushed: the events that were noted have been written, except to clients that do not read. */
extern void delivery_time_end(void);

#endif /* HERALD_DELIVERY_TIME_H */

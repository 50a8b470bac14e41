/*-------------------------------------------------------------------------
 *
 * metrics.h
 *	  What the bridge counts.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_METRICS_H
#define HERALD_METRICS_H

#include <stdint.h>

typedef struct Metrics
{
	int64_t connections; /* open now */
	int64_t sessions;	 /* connected now */
	int64_t rooms;
	int64_t cached_events; /* in memory now */
	int64_t cached_bytes;
	int64_t waiting_bytes; /* for all connections */
	int64_t events_read;   /* from here on: since the start */
	int64_t signals;
	int64_t deliveries;
	int64_t bytes_sent;
	int64_t connections_accepted;
	int64_t connections_refused;
	int64_t newcomers_cut;
	int64_t fallen_behind;
	int64_t slow_closed;
	int64_t recovered;
	int64_t not_recovered;
	int64_t actions;
	int64_t actions_failed;
	int64_t authentications_failed;
	int64_t database_queries;
	int64_t log_readings; /* for clients that came back to what is not in memory */
	int64_t database_reconnects;
	int64_t resyncs;
	int64_t event_age_ms;  /* from the event's insert to here, of the newest that was read */
	int64_t behind_since;  /* everything that was committed before has been delivered; 0: everything there is */
	int64_t behind_events; /* how many there were after the latest page */
} Metrics;

extern Metrics metrics;

/* How long ago that is which has not been delivered yet, in milliseconds. */
extern int64_t metrics_lag(void);

/* All of them in Prometheus' text format; the caller frees it. */
extern char *metrics_text(void);

#endif /* HERALD_METRICS_H */

/*-------------------------------------------------------------------------
 *
 * metrics.h
 *	  Counts for /metrics.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_METRICS_H
#define HERALD_METRICS_H

#include <stdint.h>

#include "base/histogram.h"

/* Limits that gateway/limits.h counts. */
#define METRICS_LIMITS 8

typedef struct Metrics
{
	int64_t connections; /* open now, like the gauges up to waiting_bytes */
	int64_t websockets;	 /* of the connections, like the following two */
	int64_t event_streams;
	int64_t polling;
	int64_t sessions;
	int64_t rooms;
	int64_t cached_events; /* of the event cache */
	int64_t cached_bytes;
	int64_t waiting_bytes;	 /* in the queues of all connections */
	int64_t suspended_rules; /* of the database, as of its latest status, like the following two */
	int64_t missed_changes;
	int64_t rule_failures;
	int64_t events_read; /* this and the following count since the start */
	int64_t signals;
	int64_t user_rests;
	int64_t presence_debounced;
	int64_t typing_debounced;
	int64_t typing_ended; /* by the bridge, for a client that did not say so */
	int64_t rings;
	int64_t deliveries;
	int64_t positions_told;
	int64_t bytes_sent;
	int64_t connections_accepted;
	int64_t connections_refused;
	int64_t newcomers_cut;
	int64_t fallen_behind;
	int64_t rechecked; /* live sessions whose access was checked again */
	int64_t slow_closed;
	int64_t recovered;
	int64_t not_recovered;
	int64_t actions;
	int64_t http_actions; /* of them, by POST */
	int64_t actions_failed;
	int64_t authentications_failed;
	int64_t limited[METRICS_LIMITS]; /* refused, by LimitKind */
	int64_t database_queries;
	int64_t log_readings; /* for clients whose missed events are not cached */
	int64_t database_reconnects;
	int64_t resyncs;
	int64_t values_repaired; /* of the database: they were not UTF-8 */
	int64_t event_age_ms;	 /* from insert to delivery, of the newest event */
	int64_t behind_since;	 /* all commits before this time are delivered; 0: all there are */
	int64_t behind_events;	 /* events after the latest page, about */
} Metrics;

extern Metrics metrics;

/* From the insert of an event to the last write to a socket, for events that somebody gets live. */
extern HistogramFamily metrics_delivery_times;

/* By the name of the connection: from sending a query to its result. */
extern HistogramFamily metrics_query_times;

/* By the name of the action: from its request to its answer.  Actions that have never been done are the others. */
extern HistogramFamily metrics_action_times;

/* Returns the age of the oldest event that is not delivered yet, in milliseconds. */
extern int64_t metrics_lag(void);

/* Returns all counts in the text format of Prometheus; the caller frees it. */
extern char *metrics_text(void);

#endif /* HERALD_METRICS_H */

/*-------------------------------------------------------------------------
 *
 * metrics.c
 *	  Counts for /metrics, in the text format of Prometheus.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "base/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

Metrics metrics = { 0 };

HistogramFamily metrics_delivery_times = {
	.name = "herald_delivery_seconds",
	.help = "Time from the insert of an event until it has been written to the sockets of its audience.",
};
HistogramFamily metrics_query_times = {
	.name = "herald_query_seconds",
	.help = "Time of queries to the database, by connection.",
	.label = "connection",
};
HistogramFamily metrics_action_times = {
	.name = "herald_action_seconds",
	.help = "Time from the request of an action to its answer, by action.",
	.label = "action",
};

static int64_t lag_ms; /* as of the latest metrics_text() */

typedef struct Description
{
	const char *name; /* with its labels; those of one name stand together */
	const char *type;
	const char *help;
	const int64_t *value;
	double scale;
} Description;

static const Description descriptions[] = {
	{ "herald_connections{transport=\"websocket\"}", "gauge", "Open connections.", &metrics.websockets, 1 },
	{ "herald_connections{transport=\"events\"}", "gauge", "Open connections.", &metrics.event_streams, 1 },
	{ "herald_connections{transport=\"polling\"}", "gauge", "Open connections.", &metrics.polling, 1 },
	{ "herald_sessions", "gauge", "Connected sessions.", &metrics.sessions, 1 },
	{ "herald_rooms", "gauge", "Rooms with at least one session.", &metrics.rooms, 1 },
	{ "herald_event_cache_events", "gauge", "Recent events in memory.", &metrics.cached_events, 1 },
	{ "herald_event_cache_bytes", "gauge", "Bytes of recent events in memory.", &metrics.cached_bytes, 1 },
	{ "herald_waiting_bytes", "gauge", "Bytes that wait for all connections.", &metrics.waiting_bytes, 1 },
	{ "herald_suspended_rules", "gauge", "Suspended rules of the database.", &metrics.suspended_rules, 1 },
	{ "herald_missed_changes", "gauge", "Changes that suspended rules missed in the last 30 days.", &metrics.missed_changes, 1 },
	{ "herald_rule_failures", "gauge", "Failures of rules in the last 30 days.", &metrics.rule_failures, 1 },
	{ "herald_events_read_total", "counter", "Events read from the log.", &metrics.events_read, 1 },
	{ "herald_signals_total", "counter", "Ephemeral events relayed.", &metrics.signals, 1 },
	{ "herald_user_rests_total", "counter", "Times that users had to rest before an action.", &metrics.user_rests, 1 },
	{ "herald_presence_debounced_total", "counter", "Statuses of users that were put off.", &metrics.presence_debounced, 1 },
	{ "herald_typing_debounced_total", "counter", "Repeated typing that was told to nobody.", &metrics.typing_debounced, 1 },
	{ "herald_typing_ended_total", "counter", "Typing that the bridge has ended.", &metrics.typing_ended, 1 },
	{ "herald_rings_total", "counter", "Rings of the doorbell; a burst counts as one.", &metrics.rings, 1 },
	{ "herald_deliveries_total", "counter", "Events queued for a session.", &metrics.deliveries, 1 },
	{ "herald_positions_told_total", "counter", "Positions told to clients that get no events.", &metrics.positions_told, 1 },
	{ "herald_sent_bytes_total", "counter", "Bytes handed to the network.", &metrics.bytes_sent, 1 },
	{ "herald_connections_accepted_total", "counter", "Connections accepted.", &metrics.connections_accepted, 1 },
	{ "herald_connections_refused_total", "counter", "Connections refused for a limit.", &metrics.connections_refused, 1 },
	{ "herald_newcomers_cut_total", "counter", "Sockets and connections without a session that were closed to make room for others.", &metrics.newcomers_cut, 1 },
	{ "herald_fallen_behind_total", "counter", "Sessions with a full queue that continue from the log.", &metrics.fallen_behind, 1 },
	{ "herald_rechecked_total", "counter", "Live sessions whose access to rooms was checked again.", &metrics.rechecked, 1 },
	{ "herald_slow_closed_total", "counter", "Connections closed because their queue was full.", &metrics.slow_closed, 1 },
	{ "herald_recovered_total", "counter", "Sessions that returned and missed nothing.", &metrics.recovered, 1 },
	{ "herald_not_recovered_total", "counter", "Sessions that returned and were told to start anew.", &metrics.not_recovered, 1 },
	{ "herald_actions_total", "counter", "Actions requested.", &metrics.actions, 1 },
	{ "herald_http_actions_total", "counter", "Actions requested by HTTP.", &metrics.http_actions, 1 },
	{ "herald_actions_failed_total", "counter", "Actions answered with an error.", &metrics.actions_failed, 1 },
	{ "herald_authentications_failed_total", "counter", "Tokens refused.", &metrics.authentications_failed, 1 },
	{ "herald_limited_total{reason=\"connects\"}", "counter", "Requests refused by a limit of rates.", &metrics.limited[0], 1 },
	{ "herald_limited_total{reason=\"messages\"}", "counter", "Requests refused by a limit of rates.", &metrics.limited[1], 1 },
	{ "herald_limited_total{reason=\"joins\"}", "counter", "Requests refused by a limit of rates.", &metrics.limited[2], 1 },
	{ "herald_limited_total{reason=\"actions\"}", "counter", "Requests refused by a limit of rates.", &metrics.limited[3], 1 },
	{ "herald_limited_total{reason=\"signals\"}", "counter", "Requests refused by a limit of rates.", &metrics.limited[4], 1 },
	{ "herald_limited_total{reason=\"failed_tokens\"}", "counter", "Requests refused by a limit of rates.", &metrics.limited[5], 1 },
	{ "herald_limited_total{reason=\"sockets\"}", "counter", "Requests refused by a limit of rates.", &metrics.limited[6], 1 },
	{ "herald_limited_total{reason=\"anonymous\"}", "counter", "Requests refused by a limit of rates.", &metrics.limited[7], 1 },
	{ "herald_database_queries_total", "counter", "Queries sent to the database.", &metrics.database_queries, 1 },
	{ "herald_log_readings_total", "counter", "Reads of the log for sessions that returned.", &metrics.log_readings, 1 },
	{ "herald_database_reconnects_total", "counter", "Database connections made again after a loss.", &metrics.database_reconnects, 1 },
	{ "herald_resyncs_total", "counter", "Times that the bridge lost its position in the log.", &metrics.resyncs, 1 },
	{ "herald_values_repaired_total", "counter", "Values from the database that were not UTF-8.", &metrics.values_repaired, 1 },
	{ "herald_event_age_seconds", "gauge", "Age of the newest event when it was read.", &metrics.event_age_ms, 0.001 },
	{ "herald_lag_events", "gauge", "Approximate number of events in the log that are not delivered yet.", &metrics.behind_events, 1 },
	{ "herald_lag_seconds", "gauge", "Age of the oldest event that is not delivered yet.", &lag_ms, 0.001 },
};

int64_t
metrics_lag(void)
{
	return metrics.behind_since > 0 ? clock_now() - metrics.behind_since : 0;
}

char *
metrics_text(void)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	lag_ms = metrics_lag();
	for (size_t i = 0; i < sizeof(descriptions) / sizeof(*descriptions); i++)
	{
		const Description *d = &descriptions[i];

		int bare = (int) strcspn(d->name, "{");

		if (i == 0 || strncmp(d->name, d[-1].name, (size_t) bare + 1) != 0)
			fprintf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", bare, d->name, d->help, bare, d->name, d->type);
		fprintf(out, "%s %.10g\n", d->name, (double) *d->value * d->scale);
	}
	histogram_write(&metrics_delivery_times, out);
	histogram_write(&metrics_query_times, out);
	histogram_write(&metrics_action_times, out);
	fclose(out);
	return text;
}

/*-------------------------------------------------------------------------
 *
 * action_answer.c
 *	  An action that is being done, and its answers; times by name for /metrics.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/action_answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"

Action *
action_create(Session *session, const char *name, char *reference, ActionAnswer answer)
{
	Action *action = memory_new(sizeof(Action));

	assert(name != NULL && answer != NULL);
	action->session = session_ref(session);
	action->name = memory_copy(name);
	action->reference = reference;
	action->answer = answer;
	action->began_at = clock_seconds();
	metrics.actions++;
	return action;
}

static void
end_action(Action *action)
{
	Histogram *times = histogram_of(&metrics_action_times, action->name, action->exists);

	histogram_observe(times, clock_seconds() - action->began_at);
	if (action->queued.start != NULL)
		action_queue_end(&action->queued);
	session_unref(action->session);
	free(action->name);
	free(action->room);
	free(action->payload);
	free(action->reference);
	free(action);
}

static void
answer_with(Action *action, const char *body)
{
	if (action->session->state != SESSION_GONE)
		action->answer(action->session, action->reference, body);
	end_action(action);
}

void
action_answer_data(Action *action, const char *data)
{
	char *body = memory_format("\"ok\":true,\"data\":%s", data);

	action->exists = true;
	answer_with(action, body);
	free(body);
}

void
action_answer_refusal(Action *action, const char *code, const char *message, int64_t wait)
{
	char *error = json_error_to_retry(code, message, wait);
	char *body = memory_format("\"ok\":false,\"error\":%s", error);

	metrics.actions_failed++;
	log_debug("action_failed", "action", action->name, "user", action->session->user, "code", code, "error", message);
	answer_with(action, body);
	free(error);
	free(body);
}

void
action_answer_error(Action *action, const char *code, const char *message)
{
	action_answer_refusal(action, code, message, 0);
}

const char *
action_value(const PGresult *result)
{
	if (result == NULL || PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) == 0)
		return NULL;
	return PQgetisnull(result, 0, 0) ? "null" : PQgetvalue(result, 0, 0);
}

void
action_note_cpu_time(Action *action, const PGresult *result)
{
	if (action_value(result) != NULL)
		action->queued.cpu_time = strtod(PQgetvalue(result, 0, PQfnumber(result, "cpu_time")), NULL);
}

void
action_answer_unknown(Action *action)
{
	action_answer_error(action, "HD404", "unknown action");
}

void
action_answer_failure(Action *action, const PGresult *result)
{
	if (result == NULL)
		action_answer_error(action, "unavailable",
							"the database cannot be reached; the action may or may not have been done");
	else if (PQresultStatus(result) == PGRES_TUPLES_OK)
		action_answer_unknown(action);
	else
		action_answer_error(action, PQresultErrorField(result, PG_DIAG_SQLSTATE),
							PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

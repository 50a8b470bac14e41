/*-------------------------------------------------------------------------
 *
 * acknowledgement.c
 *	  Takes clients' acknowledgements of events.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/acknowledgement.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "gateway/action.h"

/* No client waits for the answer. */
static void
on_acknowledged(Session *session, const char *action, const char *body)
{
	static LogLimit limit;

	if (strncmp(body, "\"ok\":true", 9) != 0)
		log_limited(&limit, LOG_LEVEL_WARNING, "ack_failed", "action", action, "user", session->user, "answer", body);
}

static json_t *
ack_arguments(json_t *data)
{
	return json_is_array(data) ? json_incref(data) : data != NULL ? json_pack("[O]", data) :
																	json_array();
}

/* Returns the event with a reference; NULL: the session was not asked to acknowledge it. */
static Event *
take_expected(Session *session, const char *id)
{
	unsigned long number = id ? strtoul(id, NULL, 10) : ULONG_MAX;

	return number <= INT32_MAX ? action_lane_take_ack(&session->lane, (uint32_t) number) : NULL;
}

void
acknowledgement_take(Session *session, const char *id, json_t *data)
{
	Event *event = take_expected(session, id);
	json_t *payload;

	if (event == NULL)
	{
		log_debug("ack_ignored", "user", session->user, "ack", id);
		return;
	}
	payload = json_pack("{s:s, s:s, s:o}", "event", event->name, "id", event->id, "data", ack_arguments(data));
	action_submit_owed(session, event->ack, payload, memory_copy(event->ack), on_acknowledged);
	json_decref(payload);
	event_unref(event);
}

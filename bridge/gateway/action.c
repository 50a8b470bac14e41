/*-------------------------------------------------------------------------
 *
 * action.c
 *	  Does the actions that clients ask for.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/action.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/recent_rechecks.h"
#include "fanout/room.h"
#include "fanout/room_key.h"
#include "fanout/user_work.h"
#include "gateway/chosen_status.h"
#include "gateway/limits.h"
#include "gateway/typist.h"
#include "source/database.h"
#include "source/reader.h"

/* No room or action that is of use has a longer name. */
#define LONGEST_NAME 200

/* A join is asked so often at most, while rechecks overtake its answers. */
#define MOST_JOIN_ATTEMPTS 10

/* The action may have sent events or signals: the reader need not wait for the doorbell. */
static void
action_on_done(void *context, const PGresult *result)
{
	Action *action = context;
	const char *value = action_value(result);

	reader_wake();
	if (value != NULL)
		action_answer_data(action, value);
	else
		action_answer_failure(action, result);
}

/* Unknown actions return no row: an error would be in the log of the server, as often as a client likes. */
static const char act_sql[] = "SELECT herald_internal.act($1, $2, $3, $4), pg_catalog.pg_current_xact_id_if_assigned(),"
							  " herald_internal.cpu_time() AS cpu_time WHERE herald_internal.has_action($2)";

/* A listed session ends by an event when its token is revoked.  A guest is in no list. */
static const char guest_sql[] =
	"SELECT CASE WHEN NOT revoked THEN herald_internal.act($1, $2, $3, $4) END, pg_catalog.pg_current_xact_id_if_assigned(),"
	" herald_internal.cpu_time() AS cpu_time, revoked FROM herald_internal.is_revoked($1, $5) AS revoked"
	" WHERE revoked OR herald_internal.has_action($2)";
#define ACTED_REVOKED 3 /* the column of guest_sql */

static void
action_on_acted(void *context, const PGresult *result)
{
	Action *action = context;

	action_note_cpu_time(action, result);
	if (action_value(result) != NULL && action->sql == guest_sql && PQgetvalue(result, 0, ACTED_REVOKED)[0] == 't')
	{
		action_answer_error(action, "token_revoked", "the token has been revoked");
		return;
	}
	if (action_value(result) != NULL)
	{
		const char *xid = PQgetvalue(result, 0, 1); /* empty: it has written nothing */

		user_work_began(action->session->user, xid);
		typist_told(action->session, action->name, action->payload, strtoull(xid, NULL, 10));
		chosen_status_told(action->session, action->name);
	}
	if (action->owed)
		chosen_status_answered(action->session, action->name, result != NULL);
	action_on_done(action, result);
}

/* The columns of the answer to a join. */
enum
{
	JOIN_ADMITTED,
	JOIN_KEYS,
	JOIN_CHECKED,
	JOIN_SINCE
};

static bool
recheck_concerns_join(const Recheck *recheck, const void *context)
{
	const Action *action = context;

	return room_recheck_concerns(recheck, action->session, action->room);
}

/*
 * Puts the session into the room, unless it is there already.  Returns false if it is not, because a recheck has been
 * delivered that the answer may not have considered.
 */
static bool
enter_joined_room(Action *action, const PGresult *result)
{
	Snapshot *checked = snapshot_parse(PQgetvalue(result, 0, JOIN_CHECKED));
	Snapshot *since = snapshot_parse(PQgetvalue(result, 0, JOIN_SINCE));
	bool entered = room_admit(action->session, action->room, access_new(checked, since, reader_window() + 1));
	json_t *keys;

	snapshot_unref(checked);
	if (!entered)
		return true;
	keys = json_read(PQgetvalue(result, 0, JOIN_KEYS));
	room_key_add(action->room, keys);
	json_decref(keys);
	if (!recent_rechecks_any(action->first_recheck, recheck_concerns_join, action))
		return true;
	room_leave(action->session, action->room);
	return false;
}

static const char join_sql[] =
	"SELECT admitted, pg_catalog.array_to_json(keys), checked, since, herald_internal.cpu_time() AS cpu_time"
	" FROM herald_internal.join_room($1, $2, $3)";
static const char leave_sql[] = "SELECT '{}', herald_internal.cpu_time() AS cpu_time FROM herald_internal.leave_room($1, $2, $3)";

static void action_on_join(void *context, const PGresult *result);

/* A membership that has ended since the join was sent counts for more than the answer. */
static void
settle_join(Session *session)
{
	action_lane_end_join(&session->lane);
	room_apply_late_changes(session);
}

/* The database has forgotten the room again. */
static void
action_on_join_interrupted(void *context, const PGresult *result)
{
	Action *action = context;

	(void) result;
	settle_join(action->session);
	action_answer_error(action, room_interrupted.code, room_interrupted.message);
}

/* Asks once more, or gives up.  The session's later actions must still come after the join. */
static void
join_again(Action *action)
{
	const char *values[] = { action->session->user, action->room, action->session->key };
	bool gives_up = ++action->attempts == MOST_JOIN_ATTEMPTS;

	action->first_recheck = recent_rechecks_next();
	database_query_next(action->queued.connection, gives_up ? leave_sql : join_sql, 3, values,
						gives_up ? action_on_join_interrupted : action_on_join, action);
}

static void
refuse_room(Action *action, const RoomRefusal *reason)
{
	room_refusal_log(reason, action->room, action->session->user, action->session->origin.address);
	action_answer_error(action, reason->code, reason->message);
}

static void
action_on_join(void *context, const PGresult *result)
{
	Action *action = context;
	Session *session = session_ref(action->session);
	const char *value = action_value(result);
	bool joined = value != NULL && value[0] == 't';

	assert(action->room != NULL);
	action_note_cpu_time(action, result);
	if (joined && !enter_joined_room(action, result))
	{
		join_again(action);
		session_unref(session);
		return;
	}
	settle_join(session);
	if (joined)
		action_answer_data(action, "{}");
	else if (value != NULL)
		refuse_room(action, &room_forbidden);
	else
		action_answer_failure(action, result);
	session_unref(session);
}

/* The session leaves once more: an earlier join of the same room may have been answered meanwhile. */
static void
action_on_leave(void *context, const PGresult *result)
{
	Action *action = context;

	action_note_cpu_time(action, result);
	room_leave(action->session, action->room);
	action_on_done(action, result);
}

/* Returns the data of the answer if an action need not be done, or not now; NULL: it is done. */
static const char *
answer_without(const Action *action)
{
	if (action->room != NULL || action->owed)
		return NULL;
	if (typist_repeats(action->session, action->name, action->payload))
		return "{}";
	return chosen_status_put_off(action->session, action->name, action->payload);
}

static void
send_action(Action *action)
{
	const Session *session = action->session;
	char *issued = action->sql == guest_sql ? session_issued_text(session) : NULL;
	const char *values[] = { session->user, action->room ? action->room : action->name,
							 action->room ? session->key : action->payload, session->claims, issued };
	int count = action->room ? 3 : 4 + session->guest;

	database_query(action->queued.connection, action->sql, count, values, action->on_result, action);
	free(issued);
}

static void
start_action(QueuedAction *queued)
{
	Action *action = (Action *) queued;
	const char *data = answer_without(action);
	bool is_full = action->session->rooms.joined >= action_queue_config()->max_rooms;

	if (action->on_result == action_on_join)
	{
		if (is_full && !room_has(action->session, action->room))
		{
			refuse_room(action, &room_too_many);
			return;
		}
		action->first_recheck = recent_rechecks_next();
		action_lane_begin_join(&action->session->lane);
	}
	else if (data != NULL)
	{
		action_answer_data(action, data);
		return;
	}
	if (queued->connection != NULL)
		send_action(action);
	else
		action->on_result(action, NULL);
}

/* Queues an action for the database; the length of its text counts. */
static void
queue_action(Action *action, const char *sql, QueryAnswer on_result, bool owed)
{
	size_t size = sizeof(Action) + strlen(action->name) + strlen(action->room ? action->room : action->payload);

	action->sql = sql;
	action->owed = owed;
	action->on_result = on_result;
	action->queued.session = action->session;
	action->queued.start = start_action;
	if (action_queue_add(&action->queued, size, owed))
		return;
	action->queued.start = NULL;
	if (owed)
		chosen_status_answered(action->session, action->name, false);
	action_answer_error(action, "busy", "too many actions wait for their answers; not done, try again later");
}

static void
submit_room(Action *action, const json_t *data, bool joins)
{
	const char *room = json_string_value(json_object_get(data, "room"));
	const RoomRefusal *reason = room_refusal_of_name(room);

	if (reason != NULL)
	{
		action_answer_error(action, reason->code, reason->message);
		return;
	}
	action->room = memory_copy(room);
	if (!joins)
		room_leave(action->session, room);
	queue_action(action, joins ? join_sql : leave_sql, joins ? action_on_join : action_on_leave, false);
}

static void
submit_other(Action *action, const json_t *data, bool owed)
{
	if (strlen(action->name) > LONGEST_NAME)
	{
		action_answer_unknown(action);
		return;
	}
	action->payload = data ? json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY) : memory_copy("{}");
	queue_action(action, action->session->guest ? guest_sql : act_sql, action_on_acted, owed);
}

/* A client that goes on all the same is closed. */
static void
refuse_action(Action *action, int64_t wait)
{
	Session *session = session_ref(action->session);
	bool tolerated = limits_tolerate(session->key);

	action_answer_refusal(action, "too_many", limits_message(wait), wait);
	if (!tolerated && session->state != SESSION_GONE)
		session->ops->dismiss(session, "too_many", limits_message(wait), wait);
	session_unref(session);
}

void
action_submit(Session *session, const char *name, const json_t *data, char *reference, ActionAnswer answer)
{
	Action *action = action_create(session, name, reference, answer);
	int64_t wait = limits_take_action(session, name);

	if (wait > 0)
		refuse_action(action, wait);
	else if (strcmp(name, "ping") == 0)
		action_answer_data(action, "{}");
	else if (strcmp(name, "room:join") == 0 || strcmp(name, "room:leave") == 0)
		submit_room(action, data, strcmp(name, "room:join") == 0);
	else
		submit_other(action, data, false);
}

void
action_submit_owed(Session *session, const char *name, const json_t *data, char *reference, ActionAnswer answer)
{
	submit_other(action_create(session, name, reference, answer), data, true);
}

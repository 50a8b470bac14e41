/*-------------------------------------------------------------------------
 *
 * gateway.c
 *	  Admits clients to the bridge, and starts and stops its middle layers.
 *
 * The requests of clients reach the rest of the bridge through this folder only.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/gateway.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/random.h"
#include "catchup/arrival.h"
#include "fanout/roster.h"
#include "gateway/action.h"
#include "gateway/action_queue.h"
#include "gateway/chosen_status.h"
#include "gateway/cookie_auth.h"
#include "gateway/credential.h"
#include "gateway/limits.h"
#include "gateway/position_report.h"
#include "gateway/presence_report.h"
#include "gateway/relay.h"
#include "gateway/typist.h"
#include "source/reader.h"

static const Config *gateway_config;

/* Nobody waits for the answer. */
static void
on_done(Session *session, const char *reference, const char *body)
{
	(void) session;
	(void) reference;
	(void) body;
}

static void
stop_typing(Session *session, const json_t *place)
{
	action_submit_owed(session, "typing:stop", place, NULL, on_done);
}

static void
set_presence(Session *session, const json_t *status)
{
	action_submit_owed(session, "presence:set", status, NULL, on_done);
}

void
gateway_start(const Config *config)
{
	gateway_config = config;
	arrival_start(config);
	action_queue_start(config);
	cookie_auth_start(config);
	typist_on_end(stop_typing);
	chosen_status_on_due(set_presence);
	presence_report_start(config);
	relay_start(config);
	position_report_start();
}

void
gateway_leave(void)
{
	chosen_status_flush();
	presence_report_give_up();
}

void
gateway_stop(void)
{
	position_report_stop();
	presence_report_stop();
	action_queue_stop(); /* its last answers still wake the reader */
	relay_stop();
	cookie_auth_stop();
	arrival_stop();
}

static char *
create_key(void)
{
	char *key = memory_new(SESSION_KEY_LENGTH + 1);

	random_digits(key, SESSION_KEY_LENGTH);
	return key;
}

/* A key that a bridge has made is hexadecimal digits; any other counts as none. */
static bool
is_key(const char *text)
{
	return text != NULL && strlen(text) == SESSION_KEY_LENGTH && strspn(text, "0123456789abcdef") == SESSION_KEY_LENGTH;
}

/* Returns a copy of a position; bytes that no position has, and the database may refuse, become a question mark. */
static char *
copy_position(const char *text)
{
	char *copy = memory_copy(text);

	for (char *at = copy; at != NULL && *at != '\0'; at++)
	{
		if (*at <= ' ' || *at > '~')
			*at = '?';
	}
	return copy;
}

static void
gateway_on_expiry(void *context)
{
	Session *session = context;

	session->ops->dismiss(session, "token_expired", "the token has expired", 0);
}

static void
watch_expiry(Session *session, int64_t expires)
{
	int64_t left = expires - (int64_t) time(NULL);

	timer_stop(&session->expiry);
	if (expires > 0)
		timer_start(&session->expiry, (uint64_t) (left > 0 ? left : 0) * 1000, gateway_on_expiry, session);
}

/* A client may come back before the network tells that its old connection is dead. */
static void
take_over(const char *user, const char *key)
{
	Session *old = roster_find(user, key);

	if (old != NULL)
		old->ops->dismiss(old, "taken_over", "the session continues on another connection", 0);
}

/* Returns false, with the reason, if the user or the address begins too many sessions or sends too much. */
static bool
may_connect(const char *user, ClientAddress from, Refusal *refusal)
{
	LimitSubject subject = { .user = user, .address = from.peer };
	int64_t wait = limits_take(LIMIT_CONNECTS, &subject);

	if (wait == 0)
		wait = limits_wait(LIMIT_MESSAGES, &subject);
	if (wait > 0)
		*refusal = (Refusal){ "too_many", limits_message(wait), wait };
	return wait == 0;
}

static void
log_session(const Session *session, const char *event, const char *transport, const char *origin, const char *reason)
{
	char number[24];
	char duration[24];

	if (gateway_config == NULL || !gateway_config->log_connections)
		return;
	snprintf(number, sizeof(number), "%llu", (unsigned long long) session->origin.number);
	snprintf(duration, sizeof(duration), "%.1f", (double) (loop_now() - session->origin.began) / 1000);
	log_info(event, "user", session->user, "session", number, "peer", session->origin.address, "transport", transport,
			 "origin", origin, "reason", reason, "seconds", reason ? duration : NULL);
}

static void
note_origin(Session *session, ClientAddress from)
{
	static uint64_t sessions;

	session->origin = (SessionOrigin){ ++sessions, loop_now(), memory_copy(from.peer) };
	log_session(session, "session_began", from.transport, from.origin, NULL);
}

void
gateway_end(Session *session, const char *reason)
{
	log_session(session, "session_ended", NULL, NULL, reason);
	typist_leave(session);
	roster_leave(session);
}

/* Returns the rooms to ask for.  The client is told of those that no room can be. */
static char *
take_asked(Session *session, const json_t *rooms)
{
	json_t *possible = json_array();
	size_t i;
	json_t *room;
	char *asked;

	json_array_foreach(rooms, i, room)
	{
		const RoomRefusal *reason = room_refusal_of_name(json_string_value(room));

		if (reason == NULL)
			json_array_append(possible, room);
		else
			session_tell_left(session, json_string_value(room), reason);
	}
	asked = json_dumps(possible, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(possible);
	return asked;
}

/* Begins the session of a client whose token or cookie is good.  Takes over the identity's strings. */
static void
begin_session(const Admission *admission, Identity *identity)
{
	bool returns = is_key(admission->key);
	Session *session;
	Refusal refusal;

	if (!may_connect(identity->user, admission->from, &refusal))
	{
		credential_free(identity);
		admission->answer->refused(admission->protocol, &refusal);
		return;
	}
	if (returns)
		take_over(identity->user, admission->key);
	session = roster_add(identity->user, returns ? memory_copy(admission->key) : create_key(),
						 copy_position(admission->position), identity->claims);
	session->format = admission->format;
	session->ops = admission->ops;
	session->outbox = admission->outbox;
	session->protocol = admission->protocol;
	note_origin(session, admission->from);
	session->asked = admission->rooms ? take_asked(session, admission->rooms) : NULL;
	session->issued = identity->issued;
	watch_expiry(session, identity->expires);
	admission->answer->admitted(session);
	arrival_begin(session_ref(session));
}

struct PendingAdmission
{
	Admission admission; /* its strings belong to it, and so does the reference to its rooms */
	CookieQuestion *question;
};

static PendingAdmission *
pending_new(const Admission *admission)
{
	PendingAdmission *pending = memory_new(sizeof(PendingAdmission));
	Admission *copy = &pending->admission;

	*copy = *admission;
	copy->token = copy->cookie = NULL;
	copy->key = memory_copy(admission->key);
	copy->position = memory_copy(admission->position);
	copy->rooms = json_incref((json_t *) admission->rooms);
	copy->from.peer = memory_copy(admission->from.peer);
	copy->from.origin = memory_copy(admission->from.origin);
	copy->from.connection = memory_copy(admission->from.connection);
	return pending;
}

static void
pending_free(PendingAdmission *pending)
{
	Admission *admission = &pending->admission;

	free((char *) admission->key);
	free((char *) admission->position);
	json_decref((json_t *) admission->rooms);
	free((char *) admission->from.peer);
	free((char *) admission->from.origin);
	free((char *) admission->from.connection);
	free(pending);
}

static void
refuse_cookie(const Admission *admission, const Refusal *reason)
{
	Refusal refusal = credential_refuse_cookie(reason, admission->from);

	admission->answer->refused(admission->protocol, &refusal);
}

static void
gateway_on_cookie(void *context, Identity *identity, const Refusal *refusal)
{
	PendingAdmission *pending = context;

	pending->question = NULL;
	if (identity != NULL)
		begin_session(&pending->admission, identity);
	else
		refuse_cookie(&pending->admission, refusal);
	pending_free(pending);
}

static PendingAdmission *
ask_for_cookie(const Admission *admission)
{
	PendingAdmission *pending = pending_new(admission);
	CookieQuestion *question = cookie_auth_ask(admission->cookie, admission->from.peer, gateway_on_cookie, pending);

	if (question == NULL)
		return NULL; /* answered, and the admission freed */
	pending->question = question;
	return pending;
}

PendingAdmission *
gateway_admit(const Admission *admission)
{
	const char *token = admission->token ? admission->token : admission->cookie;
	Identity identity;
	Refusal refusal;

	assert(admission->format != NULL && admission->ops != NULL && admission->outbox != NULL);
	assert(admission->answer != NULL);
	if (admission->token == NULL && admission->cookie != NULL && !auth_is_token(admission->cookie))
		return ask_for_cookie(admission);
	if (credential_verify(token, admission->from, &identity, &refusal))
		begin_session(admission, &identity);
	else
		admission->answer->refused(admission->protocol, &refusal);
	return NULL;
}

void
gateway_give_up(PendingAdmission *pending)
{
	cookie_auth_give_up(pending->question);
	pending_free(pending);
}

bool
gateway_renew(Session *session, const char *token, ClientAddress from, Refusal *refusal)
{
	Identity identity;

	assert(session->state != SESSION_GONE);
	if (!credential_verify(token, from, &identity, refusal))
		return false;
	if (strcmp(identity.user, session->user) != 0)
	{
		*refusal = (Refusal){ "token_wrong_user", "the token is for another user than the session", 0 };
		credential_free(&identity);
		return false;
	}
	watch_expiry(session, identity.expires);
	session_renew(session, identity.claims, identity.issued);
	relay_recheck(session);
	free(identity.user);
	return true;
}

bool
gateway_ends_for_good(const char *code)
{
	return strncmp(code, "token_", 6) == 0 || strcmp(code, "disconnected") == 0;
}

char *
gateway_state(bool *ready)
{
	return reader_state(ready);
}

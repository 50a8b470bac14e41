/*-------------------------------------------------------------------------
 *
 * lone_action.c
 *	  Does one action for a client without a session.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#include "gateway/lone_action.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "fanout/roster.h"
#include "gateway/action.h"
#include "gateway/credential.h"
#include "gateway/limits.h"

/* Actions that change or measure a session. */
static const char *const session_actions[] = { "ping", "room:join", "room:leave",
											   "typing:start", "typing:stop", "presence:set" };

static bool
needs_session(const char *name)
{
	for (size_t i = 0; i < sizeof(session_actions) / sizeof(*session_actions); i++)
	{
		if (strcmp(name, session_actions[i]) == 0)
			return true;
	}
	return false;
}

void
lone_action_give_up(LoneAction *action)
{
	if (action->question != NULL)
		cookie_auth_give_up(action->question);
	if (action->session != NULL)
		roster_end_guest(action->session);
	action->question = NULL;
	action->session = NULL;
}

static void
answer_lone(LoneAction *action, const char *body)
{
	lone_action_give_up(action);
	action->answer(action, body);
}

static void
on_lone_answer(Session *session, const char *reference, const char *body)
{
	(void) reference;
	answer_lone(session->protocol, body);
}

static void
refuse_lone(LoneAction *action, const Refusal *refusal)
{
	char *error = json_error_to_retry(refusal->code, refusal->message, refusal->wait);
	char *body = memory_format("\"ok\":false,\"error\":%s", error);

	log_debug("action_refused", "action", action->name, "peer", action->from.peer, "code", refusal->code);
	answer_lone(action, body);
	free(error);
	free(body);
}

void
lone_action_refuse(LoneAction *action, const char *code, const char *message)
{
	refuse_lone(action, &(Refusal){ code, message, 0 });
}

void
lone_action_submit(LoneAction *action, const char *text, size_t length)
{
	const char *reason = NULL;
	json_t *data = length > 0 ? json_from_client(text, length, &reason) : NULL;

	assert(action->session != NULL);
	if (length > 0 && data == NULL)
		lone_action_refuse(action, "bad_request", "the body is not JSON");
	else if (reason != NULL)
		lone_action_refuse(action, "bad_request", reason);
	else
	{
		metrics.http_actions++;
		action_submit(action->session, action->name, data, NULL, on_lone_answer);
	}
	json_decref(data);
}

/* The request has counted as a stranger's until now, and counts as a message from now on. */
static int64_t
count_request(const Session *session)
{
	LimitSubject stranger = { .address = session->origin.address };
	LimitSubject user = { session->key, session->user, session->origin.address };

	limits_give(LIMIT_SOCKETS, &stranger, 1);
	return limits_take(LIMIT_MESSAGES, &user);
}

/* No session's key has this form. */
static Session *
create_guest(LoneAction *action, const Identity *identity)
{
	Session *session = roster_new_guest(identity->user, memory_format("http:%s", identity->user), identity->claims);

	session->issued = identity->issued;
	session->origin.address = memory_copy(action->from.peer);
	session->protocol = action;
	return session;
}

/* Goes on with the action of a user whose token or cookie is good.  Takes over the identity's strings. */
static void
admit_lone(LoneAction *action, const Identity *identity)
{
	int64_t wait;

	action->session = create_guest(action, identity);
	wait = count_request(action->session);
	if (wait > 0)
		refuse_lone(action, &(Refusal){ "too_many", limits_message(wait), wait });
	else if (needs_session(action->name))
		lone_action_refuse(action, "needs_session", "this action needs a session: connect by Socket.IO or a WebSocket");
	else
		action->admitted(action);
}

static void
on_lone_cookie(void *context, Identity *identity, const Refusal *reason)
{
	LoneAction *action = context;
	Refusal refusal;

	action->question = NULL;
	if (identity != NULL)
	{
		admit_lone(action, identity);
		return;
	}
	refusal = credential_refuse_cookie(reason, action->from);
	refuse_lone(action, &refusal);
}

/* A client that shows neither a token nor a cookie is refused here: each action has a user. */
void
lone_action_begin(LoneAction *action)
{
	const char *token = action->token ? action->token : action->cookie;
	Identity identity;
	Refusal refusal;

	assert(action->name != NULL && action->admitted != NULL && action->answer != NULL);
	assert(action->question == NULL && action->session == NULL);
	if (action->token == NULL && action->cookie != NULL && !auth_is_token(action->cookie))
	{
		CookieQuestion *question = cookie_auth_ask(action->cookie, action->from.peer, on_lone_cookie, action);

		if (question != NULL)
			action->question = question;
	}
	else if (credential_verify(token, action->from, &identity, &refusal))
		admit_lone(action, &identity);
	else
		refuse_lone(action, &refusal);
}

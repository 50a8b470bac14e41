/*-------------------------------------------------------------------------
 *
 * action.h
 *	  What a client asks for.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_ACTION_H
#define HERALD_ACTION_H

#include <jansson.h>

#include "base/config.h"
#include "fanout/session.h"

/*
 * Gets the answer to an action: the inside of a JSON object, either
 *	 "ok":true,"data":...			or
 *	 "ok":false,"error":{"code":"...","message":"..."}
 * It is not called when the session has gone meanwhile.  "reference" is what
 * action_submit() got; it is freed afterwards in either case.
 */
typedef void (*ActionAnswer)(Session *session, const char *reference, const char *body);

extern void action_start(const Config *config);
extern void action_stop(void);

/*
 * Does what a client asks for: "ping", "room:join" and "room:leave" here, all
 * others through herald_internal.act().  What a session asks for is done in that order.  Takes over "reference", which may be NULL;
 * "data" may be NULL.
 */
extern void action_submit(Session *session, const char *name, const json_t *data, char *reference, ActionAnswer answer);

/*
 * A client acknowledges an event, by the digits of event_ack_id() or, if it gives none, NULL; what it says
 * with that is a list, one value, or NULL.  The action that the event names is done,
 * once; of anything else than an event that the session was asked to acknowledge, nothing.
 */
extern void action_acknowledge(Session *session, const char *id, json_t *data);

#endif /* HERALD_ACTION_H */

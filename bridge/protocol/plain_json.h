/*-------------------------------------------------------------------------
 *
 * plain_json.h
 *	  Builds the JSON objects that plain WebSockets and server-sent events share.
 *
 * docs/protocol.md ("Plain WebSocket") describes the objects.  The caller frees each text.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PLAIN_JSON_H
#define HERALD_PLAIN_JSON_H

#include <stdbool.h>

#include "fanout/event.h"
#include "fanout/session.h"

/* Returns the object for an event; with "wants_acks", the id with which the client acknowledges it. */
extern char *plain_json_event(const Event *event, bool wants_acks);

/* Returns the first object of a session: its user, key and position. */
extern char *plain_json_welcome(const Session *session);

/* Returns the user's number of unread notifications. */
extern char *plain_json_unread(const Session *session);

/* Returns an error.  "room" is the name of the room that it is about, or NULL. */
extern char *plain_json_error(const char *room, const char *code, const char *message, int64_t wait);

#endif /* HERALD_PLAIN_JSON_H */

/*-------------------------------------------------------------------------
 *
 * plain_json.h
 *	  What the bridge says in JSON, on a plain WebSocket and in an event stream.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_PLAIN_JSON_H
#define HERALD_PLAIN_JSON_H

#include <stdbool.h>

#include "fanout/event.h"
#include "fanout/session.h"

/* All of these are JSON objects as docs/protocol.md describes them; the caller frees them. */
extern char *plain_json_event(const Event *event, bool wants_acks);
extern char *plain_json_welcome(const Session *session);
extern char *plain_json_unread(const Session *session);

/* "room" is what the error is about; or NULL. */
extern char *plain_json_error(const char *room, const char *code, const char *message);

#endif /* HERALD_PLAIN_JSON_H */

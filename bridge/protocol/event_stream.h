/*-------------------------------------------------------------------------
 *
 * event_stream.h
 *	  The text of Server-Sent Events, as a browser's EventSource reads it.
 *
 * SPDX-License-Identifier: PostgreSQL
 *-------------------------------------------------------------------------
 */
#ifndef HERALD_EVENT_STREAM_H
#define HERALD_EVENT_STREAM_H

#include <stdbool.h>

#include "gateway/auth.h"
#include "protocol/protocol.h"

/* Nothing is heard from the client. */
extern const Protocol event_stream_protocol;

/* Was the client let in when its connection was opened?  False: there is no stream, and *refusal says why. */
extern bool event_stream_admitted(const Connection *connection, Refusal *refusal);

/* The last that a stream says: when the client may come back.  The caller holds it. */
extern Frame *event_stream_farewell(void);

#endif /* HERALD_EVENT_STREAM_H */

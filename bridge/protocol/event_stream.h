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

/*
 * Lets a client in, so that its stream can begin; instead of opened().  False: it
 * is not let in, and *refusal says why.
 */
extern bool event_stream_open(Connection *connection, const Handshake *handshake, Refusal *refusal);

/* Nothing is heard from the client; the protocol has to know when it is gone. */
extern const Protocol event_stream_protocol;

/* The last that a stream says: when the client may come back.  The caller holds it. */
extern Frame *event_stream_farewell(void);

#endif /* HERALD_EVENT_STREAM_H */
